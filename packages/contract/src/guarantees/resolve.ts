import { Findings } from '../findings/findings.ts'
import type { Expression } from '../model/expression.ts'
import type {
  CompletionGuarantee,
  GuaranteeMember,
  Guarantees,
  KeyGuarantee,
  ResolvedGuarantees,
} from '../model/guarantees.ts'
import type { SourceLocation } from '../model/location.ts'
import { checkShape } from '../shape/check-shape.ts'
import { field, flagAt, keyPlace, mapAt, numberAt, plain, text, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import { mergeAll } from '../source/merge.ts'
import { members, xGuarantees } from '../vocabulary/x-guarantees.ts'
import { deadLetterBehaviour, keyBehaviour, naturalMethods, retryBehaviour } from './behaviour.ts'
import { parseDuration } from './duration.ts'
import { parseExpression } from './expression.ts'

/** What a resolution is about. */
export type Subject = { kind: 'http'; method: string } | { kind: 'send' | 'receive' }

export interface Declaration {
  readonly guarantees: ResolvedGuarantees
  /** everything that applies, merged, for the rules; undefined where nothing is declared */
  readonly node: Node | undefined
}

/**
 * A layer of `x-guarantees` where it is written: its names and values must be right, but it may be a part (a root that
 * sets only `retention`), and `null` removes what is inherited.
 */
export function checkLayer(layer: Node, findings: Findings): void {
  const scratch = new Findings()
  checkShape(layer.kind === 'map' ? withoutNulls(layer) : layer, xGuarantees, 'x-guarantees', {
    definitions: {},
    findings: scratch,
  })
  const places = new Map(scratch.faults.map(({ finding, at }) => [finding, at]))
  for (const finding of scratch.sorted()) {
    if (finding.id === 'missing-member') continue
    const { id, severity, message, suggestion } = finding
    findings[severity === 'error' ? 'error' : 'warning'](
      places.get(finding) ?? { ...finding, pointer: '' },
      id,
      message,
      suggestion,
    )
  }
}

/** Nearest last. */
export interface Layers {
  /** OpenAPI root, path item; AsyncAPI traits in order */
  readonly inherited: readonly Node[]
  /** the operation's, then its sidecars' */
  readonly own: readonly Node[]
}

export function resolveGuarantees({ inherited, own }: Layers, subject: Subject, findings: Findings): Declaration {
  const all = mergeAll([...inherited, ...own], (key, { keyAt }, before) => {
    if (before !== undefined) return
    const message = `\`${key}\` is empty: that removes an inherited value, and there is none`
    findings.error(keyAt, 'empty-value', message, 'write its value, or remove the key')
  })
  const merged = withoutBarePart(all, own)
  if (merged !== undefined) checkShape(merged, xGuarantees, 'x-guarantees', { definitions: {}, findings })
  const http = subject.kind === 'http'
  const idempotency = field(merged, 'idempotency')
  const natural = idempotency === undefined && http && naturalMethods.has(subject.method)
  const timeoutMs = durationAt(merged, 'timeout')
  const values: Guarantees = {
    idempotency: natural ? 'natural' : keyOf(idempotency, http ? 'http' : 'message'),
    delivery: textAt(merged, 'delivery') === 'at-most-once' ? 'at-most-once' : 'at-least-once',
    ordering: orderingOf(field(merged, 'ordering')),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    retry: retryOf(field(merged, 'retry'), http),
    deadLetter: deadLetterOf(field(merged, 'deadLetter')),
  }
  const completion = completionOf(mapAt(merged, 'completion'))
  const push = mapAt(merged, 'push')
  const correlation = expressionAt(merged, 'correlation')
  const by = textAt(push, 'by')
  const ref = textAt(push, 'ref')
  return {
    node: merged,
    guarantees: {
      values,
      ...(completion === undefined ? {} : { completion }),
      ...(by === undefined || ref === undefined ? {} : { push: { by: by as 'event', ref } }),
      ...(correlation === undefined ? {} : { correlation }),
      declared: declaredIn(merged),
      keyMembers: keyMembersIn(idempotency),
      natural,
    },
  }
}

/**
 * A shared `idempotency` without `key` (a retention for all) is a part of those that have one. It makes no promise
 * where the operation itself says nothing.
 */
function withoutBarePart(merged: Node | undefined, own: readonly Node[]): Node | undefined {
  const idempotency = field(merged, 'idempotency')
  if (merged?.kind !== 'map' || idempotency?.kind !== 'map' || idempotency.entries.has('key')) return merged
  if (own.some((layer) => field(layer, 'idempotency') !== undefined)) return merged
  return { ...merged, entries: new Map([...merged.entries].filter(([key]) => key !== 'idempotency')) }
}

function declaredIn(merged: Node | undefined): Partial<Record<GuaranteeMember, SourceLocation>> {
  const found: Partial<Record<GuaranteeMember, SourceLocation>> = {}
  for (const member of Object.keys(members) as GuaranteeMember[]) {
    if (merged !== undefined && field(merged, member) !== undefined) found[member] = keyPlace(merged, member)
  }
  return found
}

function keyMembersIn(idempotency: Node | undefined): Record<string, SourceLocation> {
  if (idempotency?.kind !== 'map') return {}
  return Object.fromEntries([...idempotency.entries].map(([member, { keyAt }]) => [member, keyAt]))
}

function keyOf(node: Node | undefined, kind: 'http' | 'message'): Guarantees['idempotency'] {
  const key = expressionAt(node, 'key')
  if (key === undefined) return text(node) === 'natural' ? 'natural' : 'none'
  const defaults = keyBehaviour(kind)
  const fingerprint = expressionAt(node, 'fingerprint')
  return {
    ...defaults,
    key,
    required: flagAt(node, 'required') ?? defaults.required,
    scope: scopeOf(field(node, 'scope')) ?? defaults.scope,
    ...(fingerprint === undefined ? {} : { fingerprint }),
    retentionMs: durationAt(node, 'retention') ?? defaults.retentionMs,
    onOverlap: choice(node, 'onOverlap', ['reject', 'wait']) ?? defaults.onOverlap,
    onMismatch: choice(node, 'onMismatch', ['reject', 'replay']) ?? defaults.onMismatch,
    remembers: choice(node, 'remembers', ['final', 'success', 'all']) ?? defaults.remembers,
  }
}

function scopeOf(node: Node | undefined): KeyGuarantee['scope'] | undefined {
  const by = expressionAt(node, 'by')
  if (by !== undefined) return { by }
  const named = text(node)
  return named === 'caller' || named === 'tenant' || named === 'global' ? named : undefined
}

function orderingOf(node: Node | undefined): Guarantees['ordering'] {
  const by = expressionAt(node, 'by')
  if (by !== undefined) return { by }
  return text(node) === 'total' ? 'total' : 'none'
}

function retryOf(node: Node | undefined, http: boolean): Guarantees['retry'] {
  if (text(node) === 'none') return 'none'
  // A caller may repeat a request only where the contract says so; a consumer retries unless it says not to.
  if (node?.kind !== 'map') return http ? 'none' : { ...retryBehaviour }
  const on = field(node, 'on')
  const delayMs = durationAt(node, 'delay') ?? retryBehaviour.delayMs
  return {
    attempts: numberAt(node, 'attempts') ?? retryBehaviour.attempts,
    backoff: choice(node, 'backoff', ['exponential', 'linear', 'fixed']) ?? retryBehaviour.backoff,
    delayMs,
    maxDelayMs: durationAt(node, 'maxDelay') ?? Math.max(delayMs, retryBehaviour.maxDelayMs),
    ...(on?.kind === 'list' ? { on: plain(on) as (number | string)[] } : {}),
  }
}

function deadLetterOf(node: Node | undefined): Guarantees['deadLetter'] {
  if (text(node) === 'none') return 'none'
  const channel = textAt(node, 'channel')
  return {
    ...(channel === undefined ? {} : { channel }),
    retentionMs: durationAt(node, 'retention') ?? deadLetterBehaviour.retentionMs,
    replay: choice(node, 'replay', ['manual', 'automatic', 'never']) ?? deadLetterBehaviour.replay,
    onPoison: choice(node, 'onPoison', ['hold-key', 'hold-all', 'skip']) ?? deadLetterBehaviour.onPoison,
  }
}

function completionOf(node: Node | undefined): CompletionGuarantee | undefined {
  const by = choice(node, 'by', ['event', 'reply', 'callback', 'stream', 'status'])
  if (by === undefined) return undefined
  const ref = textAt(node, 'ref')
  const withinMs = durationAt(node, 'within')
  return {
    by,
    ...(ref === undefined ? {} : { ref }),
    success: textsAt(node, 'success'),
    failure: textsAt(node, 'failure'),
    ...(withinMs === undefined ? {} : { withinMs }),
  }
}

function textsAt(node: Node | undefined, key: string): string[] {
  const found = field(node, key)
  if (found === undefined) return []
  return [plain(found)].flat().filter((item) => typeof item === 'string')
}

function durationAt(node: Node | undefined, key: string): number | undefined {
  const written = textAt(node, key)
  return written === undefined ? undefined : parseDuration(written)
}

function expressionAt(node: Node | undefined, key: string): Expression | undefined {
  const written = textAt(node, key)
  return written === undefined ? undefined : parseExpression(written)
}

function choice<const T extends string>(node: Node | undefined, key: string, values: readonly T[]): T | undefined {
  const written = textAt(node, key)
  return values.find((value) => value === written)
}

function withoutNulls(node: Node): Node {
  if (node.kind !== 'map') return node
  const kept = [...node.entries]
    .filter(([, { value }]) => value.kind !== 'scalar' || value.value !== null)
    .map(([key, entry]) => [key, { ...entry, value: withoutNulls(entry.value) }] as const)
  return { ...node, entries: new Map(kept) }
}
