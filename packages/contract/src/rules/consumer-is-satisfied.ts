import type { Difference } from '../accepts/types.ts'
import { createAccepts } from '../accepts/accepts.ts'
import { nameOf, receivesOf, sendersOf } from './operations.ts'
import type { Rule } from './rule.ts'

export const consumerIsSatisfied: Rule = {
  id: 'consumer-is-satisfied',
  severity: 'error',
  area: 'schema',
  formats: ['asyncapi'],
  law: 'every message a producer may send is one its consumer accepts',
  why:
    'Producer and consumer describe the same message in their own documents. Where the producer may send something that ' +
    "the consumer's schema rejects, that message will be a dead letter on the day it is sent. A consumer with a " +
    '`transform` is not compared: what its file makes of a message only a run can tell. That the file exists is checked.',
  fix: "widen the consumer's schema, or narrow the producer's",
  *check({ system }) {
    for (const receive of receivesOf(system)) {
      // What a transform makes of a message is code: only running it can tell.
      if (receive.integration?.transform !== undefined) continue
      const readerSchemas = system.services[receive.service]?.schemas ?? {}
      for (const message of receive.messages) {
        for (const { send, message: sent } of sendersOf(system, receive.channel, message.type)) {
          if (send.service === receive.service) continue
          // Avro and the like are not read: nothing is known of them.
          if (message.payload.unread !== undefined || sent.payload.unread !== undefined) continue
          const writerSchemas = system.services[send.service]?.schemas ?? {}
          const accepts = createAccepts({ readerSchemas, writerSchemas })
          const { answer, differences } = accepts(message.payload.schema, sent.payload.schema)
          const [first] = differences.filter((one) => one.answer === answer)
          if (answer !== 'no' || first === undefined) continue
          yield {
            at: message.location,
            subject: `${receive.service} → ${send.service}.${sent.message}`,
            message: `\`${nameOf(receive)}\` does not accept every \`${sent.message}\` that \`${nameOf(send)}\` may send: ${difference(first)}`,
          }
        }
      }
    }
  },
}

function difference(one: Difference): string {
  const { path, keyword, reader, writer } = one
  const shown = (value: unknown): string => (value === undefined ? 'nothing' : shortened(JSON.stringify(value)))
  const witness = one.answer === 'no' ? `; for instance ${shortened(JSON.stringify(one.witness))}` : ''
  return `\`${keyword}\` at \`${path === '' ? '/' : path}\` is ${shown(reader.value)} here and ${shown(writer.value)} there${witness}`
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}
