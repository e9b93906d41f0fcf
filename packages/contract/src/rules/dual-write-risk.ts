import { changesState, nameOf, servicesOf } from './operations.ts'
import type { Rule } from './rule.ts'

export const dualWriteRisk: Rule = {
  id: 'dual-write-risk',
  severity: 'warning',
  area: 'delivery',
  formats: ['openapi', 'asyncapi'],
  law: 'who writes and sends in one process sends at least once',
  why:
    'A service that stores something and then tells others has two writes. If it stops between them, the write is there ' +
    'and the message never was. `delivery: at-least-once` says that this is solved, by an outbox for instance; without ' +
    'it, consumers may never hear of what happened.',
  fix: 'send from an outbox and declare `delivery: at-least-once`',
  *check({ system }) {
    for (const service of servicesOf(system)) {
      if (service.external) continue
      const writes = Object.values(service.operations).filter(changesState)
      for (const send of Object.values(service.sends)) {
        const { values, declared } = send.guarantees
        if (declared.delivery !== undefined && values.delivery === 'at-least-once') continue
        const write = writes.find(({ integration }) => integration?.process === send.integration?.process)
        if (write === undefined) continue
        const said = declared.delivery === undefined ? 'does not say whether it arrives' : 'may be lost'
        yield {
          at: declared.delivery ?? send.location,
          subject: nameOf(send),
          message: `\`${service.name}\` writes in \`${write.operation}\`, and what it sends in \`${send.operation}\` ${said}`,
          ...(declared.delivery === undefined ? { absence: true as const } : {}),
        }
      }
    }
  },
}
