/** Builds a message of a receive operation from its `x-probe.example`, with a marker, a key and an id of this run. */
import { randomUUID } from 'node:crypto'
import type { Expression } from '@spandrel/contract'
import type { OutgoingMessage } from '@spandrel/runtime/operate'
import type { ReceiveFacts } from '../plan/message-facts.ts'
import { newTraceparent } from '../wire/traceparent.ts'
import { at, put, steps } from './place.ts'

export interface MessageIdentity {
  readonly id: string
  readonly marker: string
  /** the ordering key; absent: the operation has none */
  readonly key?: string
}

const source = '/spandrel/verify'

export function buildMessage(facts: ReceiveFacts, identity: MessageIdentity, input?: unknown): OutgoingMessage {
  let data = input ?? facts.probe.example
  const place = payloadPlace(facts.probe.marker)
  const by = keyPlace(facts)
  if (by !== undefined && identity.key !== undefined) data = putAt(data, by, identity.key)
  // The marker wins where it stands in the key's own place.
  if (place !== undefined) data = putAt(data, place, identity.marker)
  // An intent of its own place: the marker is as good as any value there.
  const intent = typeof facts.key === 'string' ? undefined : pointerOf(facts.key)
  const stands = (other: readonly string[] | undefined): boolean => other?.join('/') === intent?.join('/')
  if (intent !== undefined && !stands(place) && !stands(by)) data = putAt(data, intent, identity.marker)
  const own = by === undefined ? undefined : at(data, by)
  return {
    channel: facts.channel,
    attributes: {
      specversion: '1.0',
      id: identity.id,
      source,
      type: facts.type,
      time: new Date().toISOString(),
      datacontenttype: 'application/json',
      correlationid: identity.marker,
      traceparent: newTraceparent(),
      ...(own !== undefined && { partitionkey: typeof own === 'string' ? own : JSON.stringify(own) }),
      ...(facts.ordering === 'total' && { partitionkey: 'all' }),
      // No order is promised, and what has the key of a failing message is still not to wait behind it.
      ...(facts.ordering === 'none' &&
        skipsPoison(facts) &&
        identity.key !== undefined && { partitionkey: identity.key }),
    },
    data: JSON.stringify(data),
  }
}

/** Something to put where `place` is, of the kind the example has there. */
export function valueLike(facts: ReceiveFacts, place: readonly string[] | undefined, text: string): string {
  const example = place === undefined ? undefined : at(facts.probe.example, place)
  if (typeof example === 'string' && /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(example)) return randomUUID()
  if (typeof example === 'number') return String(Math.floor(Math.random() * (2 ** 31 - 1)))
  return text
}

export function payloadPlace(expression: string | undefined): readonly string[] | undefined {
  const found = /^\$message\.payload(?:#(.*))?$/.exec(expression ?? '')
  return found === null ? undefined : steps(found[1] ?? '')
}

/** Where the ordering key stands in the payload. */
export function keyPlace({ ordering }: Pick<ReceiveFacts, 'ordering'>): readonly string[] | undefined {
  return typeof ordering === 'object' ? pointerOf(ordering.by) : undefined
}

function pointerOf(expression: Expression): readonly string[] | undefined {
  return expression.source === 'message.payload' ? expression.pointer : undefined
}

/** Does what comes behind a message that was given up go on, its key or not? */
export function skipsPoison({ deadLetter }: Pick<ReceiveFacts, 'deadLetter'>): boolean {
  return deadLetter !== 'none' && deadLetter.onPoison === 'skip'
}

/** Is every message of an ordering key one intent? Then a key has one effect, and there is nothing to put in order. */
export function intentIsKey(facts: ReceiveFacts): boolean {
  if (typeof facts.key === 'string') return false
  const [intent, by] = [pointerOf(facts.key), keyPlace(facts)]
  return intent !== undefined && by !== undefined && intent.join('/') === by.join('/')
}

/** Can the same intent come with another id? Not where the intent is the id. */
export function intentIsApart(facts: ReceiveFacts): boolean {
  return typeof facts.key !== 'string' && facts.key.source !== 'event'
}

function putAt(data: unknown, pointer: readonly string[], text: string): unknown {
  const value = typeof at(data, pointer) === 'number' ? Number(text) : text
  return put({ path: {}, query: {}, headers: {}, body: data }, { in: 'body', pointer }, value).body
}
