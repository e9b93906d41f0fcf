import { expressionText } from '../../guarantees/expression.ts'
import { callersOf } from '../../impact/causes.ts'
import { impactOfDown } from '../../impact/down.ts'
import type { ResolvedGuarantees } from '../../model/guarantees.ts'
import type { HttpOperation } from '../../model/operation.ts'
import type { System } from '../../model/system.ts'
import { inWords } from '../../rules/durations.ts'
import type { CallEdge, Edge, MessageEdge } from '../edges.ts'
import { keyText, retryText } from './guarantees-in-words.ts'

/** A situation, and what the contracts say comes of it. Where they say nothing, that is said. */
export interface Case {
  readonly when: string
  readonly comes: string
}

export function whatHappensWhen(edge: Edge, system: System): readonly Case[] {
  return edge.kind === 'call' ? ofCall(edge, system) : ofMessage(edge, system)
}

function ofCall(edge: CallEdge, system: System): readonly Case[] {
  const { operation, provider } = edge
  const { values, declared, completion } = operation.guarantees
  const limit =
    declared.timeout === undefined
      ? 'Nobody says how long to wait.'
      : `An answer or a failure comes within ${inWords(values.timeoutMs ?? 0)}. ${unknownOutcome(operation)}`
  const refused = Object.keys(operation.responses).filter((status) => status.startsWith('4'))
  const never =
    refused.length > 0
      ? `It is refused with ${refused.join(', ')}; trying the same again changes nothing.`
      : 'No refusal is described.'
  return [
    { when: 'it is slow (timeout)', comes: limit },
    { when: 'it is sent twice (duplicate)', comes: duplicate(operation.guarantees, operation) },
    { when: `${provider.name} is down`, comes: providerDown(edge, system) },
    { when: 'it can never succeed (poison)', comes: never },
    {
      when: 'requests come out of order',
      comes: 'A call has no order. Whoever needs one waits for the first answer before it sends the second.',
    },
    ...(completion === undefined ? [] : [outcome(operation.guarantees)]),
  ]
}

/** What `impact SERVICE --down` says of those who make the call, after the attempts that the call itself allows. */
function providerDown({ operation, provider, consumer, ref }: CallEdge, system: System): string {
  const { values, declared } = operation.guarantees
  const caller = consumer?.name ?? 'the caller'
  const tries =
    declared.retry === undefined || values.retry === 'none'
      ? 'No retry of the call is promised'
      : `\`${caller}\` may make ${retryText(values.retry)}`
  const use = consumer?.uses[ref]
  if (consumer === undefined || use === undefined) return `${tries}; what the caller was doing fails.`
  const callers = new Set(callersOf(consumer, use).map((one) => `${consumer.name}.${one.operation}`))
  const effects = (impactOfDown(provider.name, system).effects ?? []).filter((one) => callers.has(one.operation))
  if (effects.length === 0) return `${tries}; then it goes on.`
  const told = effects.map(
    ({ operation: name, outcome: what, possible, because }) =>
      `\`${name}\` ${possible ? `may ${what.slice(0, -1)}` : what}: ${because}`,
  )
  return `${tries}; then ${told.join('; ')}.`
}

function ofMessage({ send, receive, consumer, provider, channel }: MessageEdge, system: System): readonly Case[] {
  const kept = system.channels[channel]?.retentionMs
  const wait =
    kept === undefined
      ? 'for as long as the transport keeps them (7 d, unless it is set up otherwise)'
      : `for up to ${inWords(kept)}`
  const receiver = consumer?.name ?? 'a receiver'
  const cases: Case[] = [{ when: `${receiver} is slow (timeout)`, comes: slow(receive?.guarantees) }]
  cases.push({
    when: 'a message comes twice (duplicate)',
    comes: receive === undefined ? 'Who receives it decides.' : duplicate(receive.guarantees),
  })
  cases.push({
    when: `${receiver} is down`,
    comes: `Messages wait ${wait}. \`${provider?.name ?? 'The sender'}\` does not notice.`,
  })
  cases.push({ when: `${provider?.name ?? 'the sender'} is down`, comes: senderDown(send?.guarantees) })
  cases.push({ when: 'a message can never be handled (poison)', comes: poison(receive?.guarantees) })
  cases.push({
    when: 'messages come out of order',
    comes: disorder(receive?.guarantees ?? send?.guarantees, receive !== undefined),
  })
  if (send?.guarantees.completion !== undefined) cases.push(outcome(send.guarantees))
  return cases
}

/** After a timeout nobody knows what was done. */
function unknownOutcome({ guarantees: { values } }: HttpOperation): string {
  if (values.idempotency === 'none')
    return 'After a time-out nobody knows whether it was done, and asking again may do it twice.'
  return values.idempotency === 'natural'
    ? 'After a time-out it can be sent again.'
    : 'After a time-out it can be sent again with the same key.'
}

function duplicate({ values, declared, natural }: ResolvedGuarantees, operation?: HttpOperation): string {
  const { idempotency } = values
  if (idempotency === 'natural') {
    const safe = operation !== undefined && natural && ['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(operation.method)
    return safe ? 'It only reads.' : 'The effect is that of one.'
  }
  if (declared.idempotency === undefined) return 'Nobody says. It may be done twice.'
  if (idempotency === 'none') return 'It is done twice.'
  const overlap =
    idempotency.onOverlap === 'wait'
      ? 'A copy that comes while the first is being worked on waits for it'
      : 'A copy that comes while the first is being worked on is refused'
  const mismatch =
    idempotency.onMismatch === 'reject'
      ? operation === undefined
        ? 'the same key with something else in it becomes a dead letter'
        : 'the same key with something else in it is refused'
      : 'the same key with something else in it gets the first answer'
  const needed = idempotency.required ? '' : ' Without a key nothing is promised.'
  return `It has one effect: ${keyText(idempotency)}. ${overlap}; ${mismatch}.${needed}`
}

function slow(guarantees: ResolvedGuarantees | undefined): string {
  if (guarantees?.declared.timeout === undefined) return 'Nobody says how long an attempt may take.'
  return `An attempt ends after ${inWords(guarantees.values.timeoutMs ?? 0)}, and counts as failed.`
}

function senderDown(guarantees: ResolvedGuarantees | undefined): string {
  if (guarantees === undefined) return 'It is not in this system.'
  if (guarantees.declared.delivery === undefined) return 'Nobody says whether what it was about to send is lost.'
  return guarantees.values.delivery === 'at-least-once'
    ? 'What it had committed is sent when it is back, perhaps twice. Nothing is lost.'
    : 'What it was about to send may be lost.'
}

function poison(guarantees: ResolvedGuarantees | undefined): string {
  if (guarantees === undefined) return 'Who receives it decides.'
  const { values, declared } = guarantees
  if (declared.retry === undefined && declared.deadLetter === undefined) return 'Nobody says.'
  const tries = values.retry === 'none' ? 'After one attempt' : `After ${retryText(values.retry)}`
  if (values.deadLetter === 'none') return `${tries} it is discarded, and that is recorded.`
  const { retentionMs, replay, onPoison } = values.deadLetter
  const others = {
    'hold-key': 'Later messages of its key wait behind it; all others go on.',
    'hold-all': 'All later messages wait behind it.',
    skip: 'Later messages go on without it.',
  }[onPoison]
  return `${tries} it is a dead letter, kept for ${inWords(retentionMs)} (replay: ${replay}). ${others}`
}

function disorder(guarantees: ResolvedGuarantees | undefined, received: boolean): string {
  if (guarantees?.declared.ordering === undefined || guarantees.values.ordering === 'none')
    return 'No order is promised.'
  const { ordering } = guarantees.values
  const which = ordering === 'total' ? 'All messages' : `Messages with the same \`${expressionText(ordering.by)}\``
  return `They do not: ${which.replace(/^A/, 'a').replace(/^M/, 'm')} are ${received ? 'handled' : 'sent'} in their order, also when one is tried again.`
}

function outcome({ completion }: ResolvedGuarantees): Case {
  const within = completion?.withinMs === undefined ? 'at some time' : `within ${inWords(completion.withinMs)}`
  const ends = [...(completion?.success ?? []), ...(completion?.failure ?? [])].join(' or ')
  const where = completion?.ref === undefined ? '' : ` at \`${completion.ref}\``
  return { when: 'somebody asks for the outcome', comes: `It is known ${within}${where}: ${ends}.` }
}
