/**
 * Decodes a message, finds its operation, validates it and works out its intent key. Everything here depends on what a
 * stranger sent, so nothing here throws: what cannot be prepared gets a verdict, and is a dead letter at once.
 */
import { evaluate, type ExpressionInput } from '../contract/expression.ts'
import type { KeyGuarantee, ServiceContract, Validator } from '../contract/service-contract.ts'
import { fingerprint } from '../message/canonical.ts'
import { attemptsOf, type Entry, type Intent } from './entry.ts'
import type { JobKind } from './job.ts'
import type { Operation, Subscription } from './operation.ts'

/** Bytes of one message's data beyond which it is not decoded. */
const maxDataBytes = 4 * 1024 * 1024

/** Gives the entry `prepared` or a `verdict`. */
export function prepare<Tx>(entry: Entry<Tx>, subscription: Subscription<Tx>, contract: ServiceContract): void {
  if (entry.prepared !== undefined || entry.verdict !== undefined) return
  const { attributes, data: text } = entry.envelope
  const receiver = subscription.types.get(attributes.type)
  if (receiver === undefined) {
    if (subscription.ignored.has(attributes.type)) entry.verdict = { kind: 'ignore' }
    else {
      const known = [...subscription.types.keys()].join(', ')
      bury(
        entry,
        'unknown-type',
        `${contract.service} ${contract.version} receives no ${attributes.type} from ${subscription.channel} (${known})`,
      )
    }
    return
  }
  const { operation, validate } = receiver
  if (text.length > maxDataBytes) {
    return bury(entry, 'undecodable', `its data has ${text.length} characters; ${maxDataBytes} are allowed`)
  }
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch (error) {
    return bury(entry, 'undecodable', `its data is not JSON: ${messageOf(error)}`)
  }
  try {
    if (!validate(data)) return bury(entry, 'contract-violation', faultsOf(validate))
    const intent = intentOf(operation, entry, data)
    if (typeof intent === 'string') return bury(entry, 'key-missing', intent)
    const message = {
      id: attributes.id,
      source: attributes.source,
      type: attributes.type,
      data,
      json: text,
      attributes,
    }
    entry.prepared = { operation, message, intent }
  } catch (error) {
    bury(entry, 'undecodable', messageOf(error))
  }
}

function bury<Tx>(entry: Entry<Tx>, reason: string, error: string): void {
  entry.verdict = { kind: 'dead', attempts: attemptsOf(entry), reason, error }
}

/** The contract's key; undefined where the delivery's identity is all there is; a text where it is missing. */
function intentOf<Tx>(operation: Operation<Tx>, entry: Entry<Tx>, payload: unknown): Intent | string | undefined {
  const { idempotency } = operation.guarantees
  if (typeof idempotency === 'string') return undefined
  const { attributes } = entry.envelope
  const input: ExpressionInput = { payload, attributes }
  const key = evaluate(idempotency.key, input)
  if (key === undefined || key === '') {
    return idempotency.required ? `its contract key is missing: ${operation.name} requires one` : undefined
  }
  const parts = idempotency.fingerprint === undefined ? payload : (evaluate(idempotency.fingerprint, input) ?? null)
  return {
    scope: scopeOf(idempotency, input),
    key,
    fingerprint: fingerprint(parts),
    retentionMs: idempotency.retentionMs,
  }
}

/** On messages the caller is the source (mechanics.md, "Order and identity"). */
function scopeOf(idempotency: KeyGuarantee, input: ExpressionInput): string {
  const { scope } = idempotency
  if (scope === 'caller') return input.attributes?.['source'] ?? ''
  if (scope === 'tenant') return input.attributes?.['tenant'] ?? input.attributes?.['tenantid'] ?? ''
  if (scope === 'global') return ''
  return evaluate(scope.by, input) ?? ''
}

function faultsOf(validate: Validator): string {
  const faults = (validate.errors ?? []).slice(0, 5)
  if (faults.length === 0) return 'its data is not what the contract says'
  return faults.map(({ instancePath, message, keyword }) => `${instancePath || '/'} ${message ?? keyword}`).join('; ')
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** What kind of job this entry is for next. */
export function kindOf<Tx>(entry: Entry<Tx>): JobKind {
  if (entry.verdict !== undefined || entry.prepared === undefined) return 'record'
  const { style } = entry.prepared.operation.handler
  if (style === 'batch') return 'batch'
  return style === 'external' && entry.acted === undefined ? 'claim' : 'handle'
}
