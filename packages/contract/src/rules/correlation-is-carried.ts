import type { Service } from '../model/system.ts'
import { nameOf, servicesOf } from './operations.ts'
import type { Rule } from './rule.ts'

export const correlationIsCarried: Rule = {
  id: 'correlation-is-carried',
  severity: 'warning',
  area: 'observability',
  formats: ['openapi', 'asyncapi'],
  law: 'who receives a correlation id passes it on',
  why:
    'A correlation id ties requests and messages of many services to one story. It is worth nothing beyond the first ' +
    'service that drops it: from there on, nobody can tell which order a failed message belonged to.',
  fix: 'add `correlationId` to the message',
  *check({ system }) {
    for (const service of servicesOf(system)) {
      const source = correlated(service)
      if (source === undefined) continue
      for (const send of Object.values(service.sends)) {
        const dropped = send.messages.find(({ correlation }) => correlation === undefined)
        if (dropped === undefined) continue
        yield {
          at: dropped.location,
          subject: nameOf(send),
          message: `\`${service.name}\` gets a correlation id in \`${source}\`, and \`${dropped.message}\` does not carry one`,
          absence: true,
          fix: "add `correlationId: { location: '$message.header#/correlationid' }` to the message",
        }
      }
    }
  },
}

/** The first of its operations that gets a correlation id from outside. */
function correlated(service: Service): string | undefined {
  const http = Object.values(service.operations).find(({ guarantees }) => guarantees.correlation !== undefined)
  if (http !== undefined) return http.operation
  return Object.values(service.receives).find(({ messages }) =>
    messages.some(({ correlation }) => correlation !== undefined),
  )?.operation
}
