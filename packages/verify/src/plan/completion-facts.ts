/** Work whose answer is not its end: what tells its outcome, and how that can be watched. */
import type { Expression, HttpOperation, Message, ReceiveOperation, Service, SourceLocation } from '@spandrel/contract'
import { placeOf } from '../request/place.ts'
import { type Unwatched, unwatchable } from './unwatched.ts'

/** An operation whose answer is not the end of it. */
export interface CompletionFacts {
  readonly ref: string
  readonly location: SourceLocation
  readonly by: 'event' | 'reply' | 'callback' | 'status'
  /** of `event` and `reply`: channel of each outcome message, by type */
  readonly channels: Readonly<Record<string, string>>
  /** of `callback` */
  readonly calls?: readonly CallFacts[]
  readonly success: readonly string[]
  readonly failure: readonly string[]
  readonly withinMs?: number
  /** outcome → an input that ends in it */
  readonly inputs: Readonly<Record<string, unknown>>
  /** where a correlation id of the tester goes; absent: outcomes are known by the marker */
  readonly correlation?: Expression
  /** a message begins the work, not a request */
  readonly message?: true
  /** of `reply`: where request and reply have their correlation id; absent: where CloudEvents has it */
  readonly correlated?: { readonly request?: Expression; readonly reply?: Expression }
}

/** What the service calls back. */
interface CallFacts {
  readonly callback: string
  readonly operation: string
  readonly method: string
  /** what the contract writes behind the URL that it is given: `/done?id={$request.body#/id}` */
  readonly rest: string
  /** what it is answered: the first declared success */
  readonly status: number
  /** `ref` names it: a call of it is an outcome, whatever it says */
  readonly tells: boolean
}

/** Where the URL of an operation's callbacks goes, and what the contract writes behind it; a text: why it cannot be put there. */
function callbackPlace(expression: string): { place: string; rest: string } | string {
  const found = /^\{(\$request\.[^}]+)\}(.*)$/.exec(expression) ?? /^(\$request\.\S+)()$/.exec(expression)
  if (found === null || placeOf(found[1]!) === undefined)
    return `its callbacks go to \`${expression}\`: verify can only be called back where the URL begins with a value of the request, like {$request.body#/callbackUrl}`
  return { place: found[1]!, rest: found[2]! }
}

/** The place of the request that says where its outcome is called back; undefined: none is, or not from the request. */
export function calledBackAt(operation: HttpOperation): string | undefined {
  if (operation.guarantees.completion?.by !== 'callback') return undefined
  const places = tellingCallbacks(operation).map(({ expression }) => callbackPlace(expression))
  const [first] = places
  return first === undefined || typeof first === 'string' ? undefined : first.place
}

/** Those that `ref` names, by callback or by operation; without a `ref` all of them. */
function tellingCallbacks({
  callbacks,
  service,
  guarantees: { completion },
}: HttpOperation): HttpOperation['callbacks'] {
  const name = completion?.ref?.replace(`${service}.`, '')
  if (name === undefined) return callbacks
  return callbacks.filter((one) => one.name === name || one.operations.some(({ operation }) => operation === name))
}

export function completionFacts(operation: HttpOperation, service: Service): CompletionFacts | Unwatched | undefined {
  const { completion, correlation, declared } = operation.guarantees
  if (completion === undefined) return undefined
  const base = {
    ref: `${service.name}.${operation.operation}`,
    location: declared.completion ?? operation.location,
    ...optional('withinMs', completion.withinMs),
    ...optional('correlation', correlation),
  }
  const cannot = (why: string): Unwatched => ({ ...base, member: 'completion', why })
  if (completion.by === 'stream') return cannot(unwatchable(completion.by))
  const inputs = operation.probe?.outcomes ?? {}
  if (completion.by === 'callback') return calledBack(operation, { ...base, inputs }, cannot)
  if (completion.by === 'status')
    return { ...base, by: 'status', channels: {}, success: completion.success, failure: completion.failure, inputs }
  const sent = Object.values(service.sends).flatMap(({ channel, messages }) =>
    messages.map((message) => ({ message, channel })),
  )
  const told = byMessages(completion, service, sent, inputs)
  return typeof told === 'string' ? cannot(told) : { ...base, by: completion.by, ...told }
}

/** A request that is a message, whose reply is its outcome. */
export function replyFacts(operation: ReceiveOperation, service: Service): CompletionFacts | Unwatched | undefined {
  const { guarantees, reply, messages } = operation
  const { completion, declared } = guarantees
  if (completion === undefined) return undefined
  const base = {
    ref: `${service.name}.${operation.operation}`,
    location: declared.completion ?? operation.location,
    ...optional('withinMs', completion.withinMs),
  }
  const cannot = (why: string): Unwatched => ({ ...base, member: 'completion', why })
  if (completion.by !== 'reply' && completion.by !== 'event')
    return cannot(
      `it is a message that completes by ${completion.by}, and verify watches messages that complete by \`reply\` or \`event\``,
    )
  if (completion.by === 'reply' && reply === undefined)
    return cannot('it completes by reply, and its contract has no `reply`: add one, with a channel')
  if (completion.by === 'reply' && reply?.channel === undefined)
    return cannot(
      `its reply goes to an address that each request chooses (${reply?.address ?? 'none is named'}), and verify has no channel of its own: give \`reply\` a channel`,
    )
  const sent = Object.values(service.sends).flatMap((one) =>
    one.messages.map((message) => ({ message, channel: one.channel })),
  )
  const replies = (reply?.messages ?? []).map((message) => ({ message, channel: reply?.channel ?? '' }))
  const outcomes = completion.by === 'reply' ? [...replies, ...sent] : sent
  const told = byMessages(completion, service, outcomes, operation.probe?.outcomes ?? {})
  if (typeof told === 'string') return cannot(told)
  const correlated = {
    ...optional('request', messages[0]?.correlation),
    ...optional('reply', reply?.messages[0]?.correlation),
  }
  return { ...base, by: completion.by, message: true, correlated, ...told }
}

type Told = Pick<CompletionFacts, 'channels' | 'success' | 'failure' | 'inputs'>

/** Outcomes that are messages; a text: why they cannot be watched. */
function byMessages(
  completion: { readonly by: string; readonly success: readonly string[]; readonly failure: readonly string[] },
  service: Service,
  known: readonly { readonly message: Message; readonly channel: string }[],
  inputs: Readonly<Record<string, unknown>>,
): Told | string {
  const find = (outcome: string) =>
    known.find(({ message }) => message.message === outcome.replace(`${service.name}.`, ''))
  // Of a reply that is not told apart, any is the outcome.
  const all = completion.success.length + completion.failure.length
  const success = all === 0 ? known.map(({ message }) => message.message) : completion.success
  const channels: Record<string, string> = {}
  for (const outcome of [...success, ...completion.failure]) {
    const found = find(outcome)
    if (found === undefined) return `its outcome ${outcome} is sent by another service: verify them together`
    channels[found.message.type] = found.channel
  }
  const typeOf = (outcome: string): string => find(outcome)?.message.type ?? outcome
  return {
    channels,
    success: success.map(typeOf),
    failure: completion.failure.map(typeOf),
    inputs: Object.fromEntries(Object.entries(inputs).map(([outcome, input]) => [typeOf(outcome), input])),
  }
}

function calledBack(
  operation: HttpOperation,
  base: Pick<CompletionFacts, 'ref' | 'location' | 'inputs'>,
  cannot: (why: string) => Unwatched,
): CompletionFacts | Unwatched {
  const { completion } = operation.guarantees
  const telling = tellingCallbacks(operation)
  if (telling.length === 0)
    return cannot(
      `it completes by callback, and the operation has no callback${completion?.ref === undefined ? '' : ` ${completion.ref}`}: write it into \`callbacks\``,
    )
  const name = completion?.ref?.replace(`${operation.service}.`, '')
  const calls: CallFacts[] = []
  for (const callback of telling) {
    const place = callbackPlace(callback.expression)
    if (typeof place === 'string') return cannot(place)
    for (const called of callback.operations) {
      const status = Object.keys(called.responses).find((one) => /^2\d\d$/.test(one))
      calls.push({
        callback: callback.name,
        operation: called.operation,
        method: called.method,
        rest: place.rest,
        status: Number(status ?? 204),
        tells: name === callback.name || name === called.operation,
      })
    }
  }
  const { success = [], failure = [] } = completion ?? {}
  const unnamed = success.length + failure.length === 0
  return {
    ...base,
    by: 'callback',
    channels: {},
    calls,
    success: unnamed ? [...new Set(calls.map(({ callback }) => callback))] : success,
    failure,
  }
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V }
}
