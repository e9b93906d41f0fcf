/**
 * What a run knows of the messages of a service: those it receives, those it sends, and the operations whose work is
 * finished later. Plain data; it is written into the history.
 */
import type {
  Expression,
  HttpOperation,
  Probe,
  ReceiveOperation,
  SendOperation,
  Service,
  SourceLocation,
} from '@spandrel/contract'
import { type Member, type ProbeFacts, probeFacts } from './operation-facts.ts'
import { type CompletionFacts, completionFacts, replyFacts } from './completion-facts.ts'
import { completionElsewhere, type Unwatched, unwatchedPushes } from './unwatched.ts'

type Promised = Readonly<Partial<Record<Member, SourceLocation>>>

export interface Emits {
  readonly channel: string
  /** CloudEvents type; absent: any */
  readonly type?: string
  /** what the payload has, with `$marker` for the marker; absent: the marker, anywhere */
  readonly where?: unknown
  readonly times: number
}

export interface ReceiveFacts {
  /** `parcels.bookParcel` */
  readonly ref: string
  readonly operation: string
  readonly location: SourceLocation
  readonly promised: Promised
  readonly channel: string
  /** CloudEvents type of its example */
  readonly type: string
  readonly ordering: 'none' | 'total' | { readonly by: Expression }
  /** what makes two messages one intent; `natural`: nothing is noted */
  readonly key: Expression | 'natural' | 'none'
  readonly attempts: number
  /** for one attempt; absent: none is promised */
  readonly timeoutMs?: number
  /** retries may take so long, before the last attempt begins */
  readonly retrySpanMs: number
  readonly deadLetter: 'none' | { readonly channel?: string; readonly onPoison: 'hold-key' | 'hold-all' | 'skip' }
  readonly probe: MessageProbe
}

export interface MessageProbe extends ProbeFacts {
  readonly poison?: unknown
  readonly emits?: Emits
  readonly order?: {
    readonly method: string
    readonly path: string
    readonly parameters: Readonly<Record<string, unknown>>
    readonly list: string
  }
  /** an operation whose example is sent first, for the same key */
  readonly follows?: string
}

/** A send operation, and which operations of the service say with `x-probe.emits` that their effects show on its channel. */
export interface SendFacts {
  readonly ref: string
  readonly location: SourceLocation
  readonly promised: Promised
  readonly channel: string
  readonly types: readonly string[]
  readonly ordering: 'none' | 'total' | { readonly by: Expression }
  readonly shownBy: readonly {
    readonly ref: string
    readonly emits: Emits
    /** of an HTTP operation: the header of its correlation id */
    readonly correlation?: string
    /** these messages are all that counts its effects */
    readonly counts?: boolean
  }[]
}

export interface MessageFacts {
  readonly receives: readonly ReceiveFacts[]
  readonly sends: readonly SendFacts[]
  readonly completions: readonly CompletionFacts[]
  /** what is declared and cannot be watched, and what would make it testable */
  readonly unwatched: readonly Unwatched[]
}

/** `only`: operation names; absent: all. `counted`: whose effects a database counts. */
export function messageFacts(
  service: Service,
  only?: readonly string[],
  counted: readonly string[] = [],
): MessageFacts {
  const wanted = (operation: string): boolean =>
    only === undefined || only.includes(operation) || only.includes(`${service.name}.${operation}`)
  const https = Object.values(service.operations)
  const receives = Object.values(service.receives)
  const emitting = [...https, ...receives]
    .filter(({ operation }) => wanted(operation))
    .flatMap(({ operation, probe, guarantees: { correlation } }) => {
      const emits = emitsOf(probe, service)
      const header = correlation?.source === 'request.header' ? correlation.name : undefined
      return emits === undefined
        ? []
        : [{ ref: `${service.name}.${operation}`, emits, ...optional('correlation', header) }]
    })
  const completions = [
    ...https.filter(({ operation }) => wanted(operation)).map((one) => completionFacts(one, service)),
    ...receives.filter(({ operation }) => wanted(operation)).map((one) => replyFacts(one, service)),
    ...Object.values(service.sends)
      .filter(({ operation }) => wanted(operation))
      .map((one) => completionElsewhere(one)),
  ]
  const byDatabase = (facts: ReceiveFacts): ReceiveFacts =>
    counted.includes(facts.operation) && facts.probe.marker !== undefined
      ? { ...facts, probe: { ...facts.probe, oracle: 'strong' } }
      : facts
  return {
    receives: receives
      .filter(({ operation }) => wanted(operation))
      .map((one) => byDatabase(receiveFacts(one, service))),
    sends: [
      ...Object.values(service.sends).flatMap((one) => {
        const shownBy = emitting.filter(({ emits }) => emits.channel === one.channel)
        if (only !== undefined && shownBy.length === 0 && !wanted(one.operation)) return []
        return [{ ...sendFacts(one), shownBy }]
      }),
      ...https.flatMap((one) => {
        const facts = one.guarantees.push?.by === 'event' ? pushFacts(one, service, emitting) : ''
        return typeof facts === 'string' ? [] : [facts]
      }),
    ],
    completions: completions.filter((one) => one !== undefined && 'by' in one) as CompletionFacts[],
    unwatched: [
      ...completions.filter((one): one is Unwatched => one !== undefined && 'why' in one),
      ...unwatchedPushes(service, wanted, (one) => pushFacts(one, service, emitting)),
    ],
  }
}

/** The push twin of a read is seen as what is sent of the effects that it shows; a text: why it cannot be. */
function pushFacts(operation: HttpOperation, service: Service, emitting: SendFacts['shownBy']): SendFacts | string {
  const { push, declared } = operation.guarantees
  const name = push?.ref.replace(`${service.name}.`, '') ?? ''
  const send = Object.values(service.sends).find(({ messages }) => messages.some(({ message }) => message === name))
  if (send === undefined) return `${name} is sent by another service: verify them together`
  const type = typeOf(name, service)
  const shownBy = emitting.flatMap((one) => {
    const read = service.operations[one.ref.slice(service.name.length + 1)]?.probe?.read?.operation
    const shows = read?.replace(`${service.name}.`, '') === operation.operation && one.emits.channel === send.channel
    return shows ? [{ ...one, emits: { ...one.emits, type } }] : []
  })
  if (shownBy.length === 0)
    return `no operation whose effect it reads says with \`emits\` in x-probe that the effect shows on ${send.channel}: give the operation that has the effect \`read: { operation: ${operation.operation} }\` and \`emits: { channel: ${send.channel} }\``
  const location = declared.push ?? operation.location
  const ref = `${service.name}.${operation.operation}`
  return {
    ref,
    location,
    promised: { push: location },
    channel: send.channel,
    types: [type],
    ordering: 'none',
    shownBy,
  }
}

function emitsOf(probe: Probe | undefined, service: Service): Emits | undefined {
  if (probe?.emits === undefined) return undefined
  const { channel, message, where, times = 1 } = probe.emits
  const type = message === undefined ? undefined : typeOf(message, service)
  return { channel, times, ...optional('type', type), ...(where !== undefined && { where }) }
}

/** CloudEvents type of a message that the service sends, by its name; a name nobody knows is a type. */
function typeOf(name: string, service: Service): string {
  const own = name.replace(`${service.name}.`, '')
  const sent = Object.values(service.sends).flatMap(({ messages }) => messages)
  return sent.find(({ message }) => message === own)?.type ?? own
}

function receiveFacts(operation: ReceiveOperation, service: Service): ReceiveFacts {
  const { values, declared } = operation.guarantees
  const { idempotency, retry, deadLetter } = values
  const members = ['delivery', 'ordering', 'timeout', 'retry', 'deadLetter'] as const
  return {
    ref: `${service.name}.${operation.operation}`,
    operation: operation.operation,
    location: operation.location,
    promised: {
      ...(idempotency !== 'none' && optional('idempotency', declared.idempotency)),
      ...Object.assign({}, ...members.map((member) => optional(member, declared[member]))),
    },
    channel: operation.channel,
    type: operation.messages[0]?.type ?? operation.operation,
    ordering: values.ordering,
    key: typeof idempotency === 'string' ? idempotency : idempotency.key,
    attempts: retry === 'none' ? 1 : retry.attempts,
    ...optional('timeoutMs', declared.timeout === undefined ? undefined : values.timeoutMs),
    retrySpanMs: retry === 'none' ? 0 : spanOf(retry),
    deadLetter:
      deadLetter === 'none' ? 'none' : { ...optional('channel', deadLetter.channel), onPoison: deadLetter.onPoison },
    probe: messageProbe(operation.probe, service),
  }
}

function spanOf(retry: { attempts: number; backoff: string; delayMs: number; maxDelayMs: number }): number {
  let span = 0
  for (let attempt = 1; attempt < retry.attempts; attempt++) {
    const step = retry.backoff === 'exponential' ? 2 ** (attempt - 1) : retry.backoff === 'linear' ? attempt : 1
    span += Math.min(retry.delayMs * step, retry.maxDelayMs)
  }
  return span
}

function messageProbe(probe: Probe | undefined, service: Service): MessageProbe {
  const facts = probeFacts(probe, service)
  const emits = emitsOf(probe, service)
  const order = probe?.order
  const target = order === undefined ? undefined : service.operations[order.operation.replace(`${service.name}.`, '')]
  return {
    ...facts,
    ...(probe?.poison !== undefined && { poison: probe.poison }),
    ...optional('emits', emits),
    ...optional('follows', probe?.follows?.replace(`${service.name}.`, '')),
    ...(order !== undefined &&
      target !== undefined && {
        order: { method: target.method, path: target.path, parameters: order.parameters ?? {}, list: order.list },
      }),
    // A message that is seen is as good as a row that is counted.
    oracle: facts.oracle === 'strong' || (emits !== undefined && emits.times > 0) ? 'strong' : facts.oracle,
  }
}

function sendFacts(operation: SendOperation): Omit<SendFacts, 'shownBy'> {
  const { values, declared } = operation.guarantees
  // AsyncAPI's own word for it stands on each message; ours is where CloudEvents has it.
  const carries = operation.messages.every(
    ({ correlation }) => correlation?.source === 'message.header' && correlation.pointer.join('/') === 'correlationid',
  )
  return {
    ref: `${operation.service}.${operation.operation}`,
    location: operation.location,
    promised: {
      ...optional('delivery', declared.delivery),
      ...optional('ordering', declared.ordering),
      ...(carries && optional('correlation', operation.messages[0]?.location)),
    },
    channel: operation.channel,
    types: operation.messages.map(({ type }) => type),
    ordering: values.ordering,
  }
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V }
}
