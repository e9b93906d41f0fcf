import type { Findings } from '../findings/findings.ts'
import { didYouMean, listed } from '../findings/nearest.ts'
import type { Schema } from '../model/schema.ts'
import type { Named } from '../schema/look-through.ts'
import { lookUp } from '../schema/look-through.ts'
import { field, keyPlace, text, textAt } from '../source/node.ts'
import type { MapNode, Node } from '../source/node.ts'
import { parseDuration } from './duration.ts'
import { parseExpression } from './expression.ts'

/** What the rules need to know of an operation besides its guarantees. */
export interface RuleContext {
  readonly kind: 'http' | 'send' | 'receive'
  /** what messages call it: `placeOrder` */
  readonly operation: string
  /** JSON bodies of the request, or payloads of the messages */
  readonly payloads: readonly Schema[]
  readonly named: Named
  /** HTTP only */
  readonly authenticated?: boolean
  readonly pathParameters?: readonly string[]
  readonly queryParameters?: readonly string[]
}

/** The rules of the vocabulary that no schema can say. */
export function checkRules(guarantees: Node | undefined, context: RuleContext, findings: Findings): void {
  if (guarantees?.kind !== 'map') return
  new Rules(context, findings).check(guarantees)
}

class Rules {
  readonly #context: RuleContext
  readonly #findings: Findings

  constructor(context: RuleContext, findings: Findings) {
    this.#context = context
    this.#findings = findings
  }

  check(guarantees: MapNode): void {
    const idempotency = field(guarantees, 'idempotency')
    if (this.#context.kind === 'http') this.#callerIsKnown(guarantees, idempotency)
    else this.#onMessages(guarantees, idempotency)
    this.#expressions(guarantees, idempotency)
    this.#durations(guarantees, idempotency)
  }

  #callerIsKnown(guarantees: MapNode, idempotency: Node | undefined): void {
    if (idempotency?.kind !== 'map' || this.#context.authenticated === true) return
    const scope = field(idempotency, 'scope')
    if (scope !== undefined && text(scope) !== 'caller') return
    const at = scope?.at ?? keyPlace(guarantees, 'idempotency')
    const how = scope === undefined ? '`scope` is `caller` unless it says otherwise' : '`scope: caller`'
    const message = `${how}, and \`${this.#context.operation}\` has no security scheme that tells callers apart`
    const hint = 'add `security`, or write `scope: global`, or `scope: { by: … }`'
    this.#findings.error(at, 'caller-unknown', message, hint)
  }

  #onMessages(guarantees: MapNode, idempotency: Node | undefined): void {
    const forbid = (node: Node, key: string, why: string, hint: string): void =>
      this.#findings.error(keyPlace(node, key), 'not-on-messages', `\`${key}\` has no place on messages: ${why}`, hint)
    if (idempotency?.kind === 'map') {
      for (const [key, why] of [
        ['onOverlap', 'a second copy always waits for the first'],
        ['remembers', 'there is no answer to remember'],
      ] as const) {
        if (field(idempotency, key) !== undefined) forbid(idempotency, key, why, 'remove it')
      }
      if (textAt(idempotency, 'onMismatch') === 'replay') {
        forbid(idempotency, 'onMismatch', 'there is no answer to replay', 'remove it; another payload is a dead letter')
      }
    }
    const retry = field(guarantees, 'retry')
    if (retry?.kind === 'map' && field(retry, 'on') !== undefined) {
      forbid(retry, 'on', 'it lists HTTP statuses', 'remove it; a handler throws `Terminal` for what no retry can help')
    }
    if (field(guarantees, 'correlation') !== undefined) {
      forbid(guarantees, 'correlation', 'AsyncAPI has `correlationId`', 'write `correlationId` on the message')
    }
  }

  #expressions(guarantees: MapNode, idempotency: Node | undefined): void {
    for (const key of ['key', 'fingerprint']) this.#expression(field(idempotency, key), key)
    this.#expression(field(field(idempotency, 'scope'), 'by'), 'by')
    this.#expression(field(field(guarantees, 'ordering'), 'by'), 'by')
    if (this.#context.kind === 'http') this.#expression(field(guarantees, 'correlation'), 'correlation')
  }

  #expression(node: Node | undefined, name: string): void {
    const written = text(node)
    const expression = written === undefined ? undefined : parseExpression(written)
    if (node === undefined || expression === undefined) return
    const http = this.#context.kind === 'http'
    if (http !== expression.source.startsWith('request.')) {
      const message = http
        ? `\`${name}: ${written}\` looks at a message, and \`${this.#context.operation}\` is an HTTP operation`
        : `\`${name}: ${written}\` looks at a request, and \`${this.#context.operation}\` has messages`
      const hint = http
        ? 'use `$request.header.…`, `$request.query.…`, `$request.path.…` or `$request.body#/…`'
        : 'use `$message.payload#/…`, `$message.header#/…` or `$event.…`'
      this.#findings.error(node.at, 'wrong-expression', message, hint)
    } else if (expression.source === 'request.path') {
      this.#declared(node, name, expression.name, 'path', this.#context.pathParameters ?? [])
    } else if (expression.source === 'request.query') {
      this.#declared(node, name, expression.name, 'query', this.#context.queryParameters ?? [])
    } else if (expression.source === 'request.body' || expression.source === 'message.payload') {
      this.#pointer(node, name, expression.pointer)
    }
  }

  #declared(node: Node, name: string, parameter: string, place: string, known: readonly string[]): void {
    if (known.includes(parameter)) return
    const message = `\`${name}\`: \`${this.#context.operation}\` has no ${place} parameter \`${parameter}\``
    const hint = known.length === 0 ? 'declare the parameter, or use another expression' : `it has: ${listed(known)}`
    this.#findings.error(node.at, 'unknown-parameter', message, didYouMean(parameter, known, hint))
  }

  #pointer(node: Node, name: string, pointer: readonly string[]): void {
    const { kind, payloads, operation, named } = this.#context
    if (kind === 'http' && payloads.length === 0 && pointer.length > 0) {
      const message = `\`${name}\` looks into the body, and \`${operation}\` takes none`
      this.#findings.error(node.at, 'unknown-property', message, 'declare `requestBody`, or use a header')
    }
    for (const { schema } of payloads) {
      const found = lookUp(schema, pointer, named)
      if (found.found !== false) continue
      const what = kind === 'http' ? 'the body' : 'the payload'
      const message = `\`${name}: ${text(node)}\`: ${what} has no \`${found.missing}\``
      const hint = didYouMean(found.missing, found.properties, `it has: ${listed(found.properties)}`)
      this.#findings.error(node.at, 'unknown-property', message, hint)
    }
  }

  #durations(guarantees: MapNode, idempotency: Node | undefined): void {
    const deadLetter = field(guarantees, 'deadLetter')
    for (const [node, key] of [
      [guarantees, 'timeout'],
      [idempotency, 'retention'],
      [deadLetter, 'retention'],
      [field(guarantees, 'completion'), 'within'],
    ] as const) {
      const found = field(node, key)
      const written = text(found)
      if (found === undefined || written === undefined || parseDuration(written) !== 0) continue
      const hint =
        key === 'retention' && node === deadLetter ? 'write `deadLetter: none` to keep nothing' : 'write a longer one'
      this.#findings.error(found.at, 'out-of-range', `\`${key}: ${written}\` is no time at all`, hint)
    }
    const retry = field(guarantees, 'retry')
    const delay = parseDuration(textAt(retry, 'delay') ?? '')
    const limit = field(retry, 'maxDelay')
    const most = parseDuration(text(limit) ?? '')
    if (limit !== undefined && delay !== undefined && most !== undefined && delay > most) {
      const message = `\`maxDelay: ${text(limit)}\` is shorter than \`delay: ${textAt(retry, 'delay')}\``
      this.#findings.error(limit.at, 'out-of-range', message, 'make `maxDelay` the longer one')
    }
  }
}
