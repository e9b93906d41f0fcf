import { accepts } from '@spandrel/contract'

// Version 1 of a request body: what callers may send today.
const callers = {
  type: 'object',
  required: ['sku', 'quantity'],
  properties: {
    sku: { type: 'string' },
    quantity: { type: 'integer', minimum: 1 },
    note: { type: 'string', maxLength: 500 },
  },
}

// Version 2: what the service wants to accept tomorrow.
const service = {
  type: 'object',
  required: ['sku', 'quantity'],
  properties: {
    sku: { type: 'string', pattern: '^[A-Z]{3}-[0-9]+$' },
    quantity: { type: 'number', exclusiveMinimum: 0 },
    note: { type: 'string', maxLength: 200 },
    gift: { type: 'boolean' },
  },
}

for (const policy of ['tolerant', 'strict'] as const) {
  const { answer, differences } = accepts(service, callers, { policy })
  console.log(`${policy}: ${answer}`)
  for (const { path, keyword, reader, ...found } of differences) {
    const shown = found.answer === 'no' ? JSON.stringify(found.witness) : found.reason
    console.log(`  ${path} ${keyword} (${reader.pointer}): ${shown.length > 60 ? `${shown.slice(0, 60)}…` : shown}`)
  }
}
