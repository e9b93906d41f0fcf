import type { HttpOperation } from '../model/operation.ts'
import type { JsonSchema } from '../model/schema.ts'
import type { Service, System } from '../model/system.ts'
import { lookUpValues } from './schema-values.ts'
import { inWords, retrySpan } from './durations.ts'
import { longestWay } from './process-ways.ts'
import type { Operation } from './operations.ts'
import { allOf, nameOf, receiversOf, sendsOf, servicesOf } from './operations.ts'
import type { Rule, Violation } from './rule.ts'

export const completionIsReachable: Rule = {
  id: 'completion-is-reachable',
  severity: 'error',
  area: 'completion',
  formats: ['openapi', 'asyncapi', 'spandrel'],
  law: 'every outcome that is promised is one that somebody sends, in time',
  why:
    'A caller that was told "accepted" waits for an outcome. If no application sends it, or no status has that value, ' +
    'it waits for ever. If the consumers may take longer with their retries than `within` allows, the promise is ' +
    'broken by design.',
  fix: 'name outcomes that exist, and a `within` that the consumers can keep',
  *check({ system }) {
    for (const service of servicesOf(system)) {
      for (const operation of allOf(service)) {
        yield* outcomes(operation, service, system)
        yield* inTime(operation, system)
        if (operation.kind === 'http') yield* chainInTime(operation, service, system)
      }
    }
  },
}

function* outcomes(operation: Operation, service: Service, system: System): Iterable<Violation> {
  const { completion, declared } = operation.guarantees
  const at = declared.completion
  if (completion === undefined || at === undefined) return
  const named = [...completion.success, ...completion.failure]
  if (completion.by === 'event' || completion.by === 'reply') {
    const provider = completion.ref?.includes('.') === true ? completion.ref.split('.')[0] : undefined
    const wanted =
      named.length > 0 ? named : completion.ref === undefined ? [] : [completion.ref.split('.').at(-1) ?? '']
    for (const outcome of wanted) {
      const [from, name] = outcome.includes('.') ? outcome.split('.') : [provider, outcome]
      const senders = sendsOf(system).filter(({ messages }) => messages.some(({ message }) => message === name))
      const replied = operation.kind !== 'http' && operation.reply?.messages.some(({ message }) => message === name)
      if (replied === true || senders.some((send) => from === undefined || send.service === from)) continue
      // An answer comes from whoever hears it: without any sender the whole system must be silent about it.
      yield {
        at,
        subject: nameOf(operation),
        message: `\`${operation.operation}\` promises the outcome \`${outcome}\`, and ${from === undefined ? 'no application' : `\`${from}\` does not`} ${from === undefined ? 'sends' : 'send'} it`,
        fix: 'name a message that is sent, or add the send operation',
      }
    }
  }
  if (completion.by === 'status') {
    const [name = '', from = service.name] = (completion.ref ?? '').split('.').toReversed()
    const status = system.services[from]?.operations[name]
    const values = status === undefined ? undefined : answersOf(status.responses, system.services[from])
    for (const outcome of values === undefined ? [] : named) {
      if (values?.has(outcome) !== false) continue
      yield {
        at,
        subject: nameOf(operation),
        message: `\`${operation.operation}\` promises the outcome \`${outcome}\`, and \`${completion.ref}\` never answers that; it answers ${[...values].join(', ')}`,
        fix: 'use the values of its status',
      }
    }
  }
}

/** Every text that an answer's enums list, or undefined where nothing is listed. */
function answersOf(
  responses: Extract<Operation, { kind: 'http' }>['responses'],
  service: Service | undefined,
): ReadonlySet<string> | undefined {
  const schemas = Object.values(responses)
    .filter(({ status }) => status.startsWith('2'))
    .flatMap(({ content }) => content.flatMap(({ schema }) => (schema === undefined ? [] : [schema.schema])))
  const found = new Set(schemas.flatMap((schema: JsonSchema) => lookUpValues(schema, service?.schemas ?? {})))
  return found.size === 0 ? undefined : found
}

function* inTime(operation: Operation, system: System): Iterable<Violation> {
  const { completion, declared } = operation.guarantees
  const at = declared.completion
  if (operation.kind !== 'send' || completion?.withinMs === undefined || at === undefined) return
  for (const receive of receiversOf(system, operation)) {
    const span = retrySpan(receive.guarantees.values)
    if (receive.guarantees.declared.retry === undefined || span <= completion.withinMs) continue
    yield {
      at,
      subject: nameOf(operation),
      message: `\`${operation.operation}\` promises an outcome within ${inWords(completion.withinMs)}, and \`${nameOf(receive)}\` may retry for ${inWords(span)}`,
      fix: 'promise more time, or let the consumer give up sooner',
    }
  }
}

/** What a request begins goes on in messages of its process: each step may take all of its retries. */
function* chainInTime(operation: HttpOperation, service: Service, system: System): Iterable<Violation> {
  const { completion, declared } = operation.guarantees
  const process = operation.integration?.process
  const at = declared.completion
  if (completion?.withinMs === undefined || process === undefined || at === undefined) return
  const { ms, steps } = longestWay(service, process, system)
  if (ms <= completion.withinMs) return
  yield {
    at,
    subject: nameOf(operation),
    message: `\`${operation.operation}\` promises an outcome within ${inWords(completion.withinMs)}, and ${steps.map((step) => `\`${step}\``).join(' → ')} may take ${inWords(ms)} with ${steps.length === 1 ? 'its' : 'their'} retries`,
    fix: 'promise more time, or let the consumers give up sooner',
  }
}
