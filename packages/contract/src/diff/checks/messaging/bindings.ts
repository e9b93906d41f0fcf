import { isDeepStrictEqual } from 'node:util'
import type { Bindings } from '../../../model/message.ts'
import type { SourceLocation } from '../../../model/location.ts'
import type { Comparison } from '../../comparison.ts'
import { reporter } from '../../comparison.ts'
import type { DiffRule } from '../../model.ts'
import type { AsyncPair, MessagePair } from './async-pair.ts'

/** Settings of a protocol that decide where a message goes, and whether it arrives. */
export const bindingRules = {
  'binding-address-changed': {
    area: 'message',
    level: 'breaking',
    law: 'a message that goes to another topic, exchange or queue does not reach who listens at the old one',
    why: 'The binding names what the broker really uses; the address of the channel may be the same.',
    fix: 'use both until the other side has moved',
  },
  'binding-delivery-weakened': {
    area: 'message',
    level: 'breaking',
    law: 'a broker that was told to keep a message may lose it now, or drop it earlier',
    why: 'A lower QoS, a queue that is no longer durable, a shorter retention: who was away for a while misses messages. So does it where Kafka begins to `compact` a topic: of the messages of a key only the last is kept, and what came between is never delivered to who had not read it.',
    fix: 'keep the setting',
  },
  'binding-delivery-strengthened': {
    area: 'message',
    level: 'minor',
    law: 'a broker keeps messages that it might have lost, or for longer',
    why: 'Readers may see a message twice, or an older one: they should be idempotent.',
    fix: 'nothing to do',
  },
  'binding-changed': {
    area: 'message',
    level: 'warning',
    law: 'another setting of the broker may change what arrives, and when',
    why: 'What it does depends on the protocol; the documents alone do not tell.',
    fix: 'read what the setting means in the documentation of the protocol',
  },
} as const satisfies Record<string, DiffRule>

/** Where a message really goes, by the binding specifications of Kafka, AMQP, MQTT, NATS, SNS, SQS, Pulsar, JMS. */
const addresses =
  /(^|\.)(topic|name|queue|exchange\.(name|type)|queue\.name|vhost|is|destination|destinationType|subject)$/
/** Settings where `true` keeps more. */
const keeping = /(^|\.)(durable|ack|mandatory|retain|fifoQueue)$/
/** Settings where `true` keeps less. */
const losing = /(^|\.)(autoDelete|exclusive|cleanSession)$/
/** Numbers of which more keeps more: QoS, AMQP delivery mode (2 is persistent), what is retained and for how long. */
const amounts =
  /(^|\.)(qos|deliveryMode|expiration|messageExpiryInterval|sessionExpiryInterval|messageRetentionPeriod|retention(\.ms|\.bytes|\.time|\.size)?|replicas|min\.insync\.replicas|delete\.retention\.ms|maximumMessageSize|max\.message\.bytes)$/
/** Who says it, and by which edition: nothing that a broker does. */
const silent = /(^|\.)(bindingVersion|clientId|description)(\.|$)/

export function checkBindings(pair: AsyncPair, messages: readonly MessagePair[], comparison: Comparison): void {
  const { base, revision } = pair
  const at = { at: revision.location, base: base.location }
  compare(base.bindings, revision.bindings, 'operation', at, pair, comparison)
  compare(base.channelBindings, revision.channelBindings, 'channel', at, pair, comparison)
  for (const one of messages) {
    const inner = { at: one.revision.location, base: one.base.location }
    compare(one.base.bindings, one.revision.bindings, `message ${one.revision.message}`, inner, pair, comparison)
  }
}

function compare(
  before: Bindings | undefined,
  after: Bindings | undefined,
  what: string,
  at: { at: SourceLocation; base: SourceLocation },
  pair: AsyncPair,
  comparison: Comparison,
): void {
  const [old, now] = [settings(before), settings(after)]
  const report = reporter(bindingRules, comparison.changes, pair.subject)
  for (const key of new Set([...old.keys(), ...now.keys()])) {
    const [was, is] = [old.get(key), now.get(key)]
    if (silent.test(key) || isDeepStrictEqual(was, is)) continue
    const said = (value: unknown): string => (value === undefined ? 'not set' : `\`${JSON.stringify(value)}\``)
    report(meaning(key, was, is), {
      ...at,
      place: `${what} binding ${key}`,
      message: `\`${key}\` of the ${what} binding is ${said(is)} now, and was ${said(was)}`,
      keyword: key,
      ...(was === undefined ? {} : { before: was }),
      ...(is === undefined ? {} : { after: is }),
    })
  }
}

function meaning(key: string, was: unknown, is: unknown): keyof typeof bindingRules {
  const name = key.slice(key.indexOf('.') + 1)
  if (name === 'topicConfiguration.cleanup.policy') return cleanup(was, is)
  if (addresses.test(name)) return was === undefined ? 'binding-changed' : 'binding-address-changed'
  const kept = amounts.test(name)
    ? amount(was, is)
    : keeping.test(name)
      ? flag(was, is)
      : losing.test(name)
        ? -flag(was, is)
        : 0
  if (kept === 0) return 'binding-changed'
  return kept > 0 ? 'binding-delivery-strengthened' : 'binding-delivery-weakened'
}

/**
 * Kafka: `delete` loses what is old, `compact` all but the last message of a key, however new. Who is away for a while
 * misses messages that it would have got, if either comes; where one goes, more is kept.
 */
function cleanup(was: unknown, is: unknown): keyof typeof bindingRules {
  const losses = (value: unknown): readonly string[] =>
    // Kafka's own default.
    (value === undefined ? ['delete'] : [value].flat())
      .flatMap((one) => (typeof one === 'string' ? one.split(',') : []))
      .map((one) => one.trim())
  const [before, after] = [losses(was), losses(is)]
  if (after.some((one) => !before.includes(one))) return 'binding-delivery-weakened'
  return before.some((one) => !after.includes(one)) ? 'binding-delivery-strengthened' : 'binding-changed'
}

/** Whether it grew. An absent one is the broker's own, which is not known. */
function amount(was: unknown, is: unknown): number {
  if (typeof was !== 'number' || typeof is !== 'number') return 0
  // Kafka: -1 is without limit.
  const size = (value: number): number => (value < 0 ? Infinity : value)
  return Math.sign(size(is) - size(was))
}

function flag(was: unknown, is: unknown): number {
  return Number(is === true) - Number(was === true)
}

/** `kafka.topicConfiguration.retention.ms` → its value; lists are values. */
function settings(bindings: Bindings | undefined): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>()
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) found.set(path, value)
    else for (const [key, inner] of Object.entries(value)) visit(inner, path === '' ? key : `${path}.${key}`)
  }
  if (bindings !== undefined) visit(bindings, '')
  return found
}
