/**
 * What a run knows of one operation: all that stimuli and judgements need, as plain data. It is written into the
 * history, so that a judgement needs nothing else.
 */
import { calledBackAt } from './completion-facts.ts'
import type { Expression, HttpOperation, JsonSchema, Probe, Service, SourceLocation } from '@spandrel/contract'

export type Member =
  | 'idempotency'
  | 'errors'
  | 'timeout'
  | 'correlation'
  | 'deprecation'
  // of messages, and of what is done later
  | 'delivery'
  | 'ordering'
  | 'retry'
  | 'deadLetter'
  | 'completion'
  | 'push'

interface KeyPromise {
  readonly key: Expression
  readonly required: boolean
  readonly scope: 'caller' | 'tenant' | 'global' | { readonly by: Expression }
  readonly fingerprint?: Expression
  readonly retentionMs: number
  readonly onOverlap: 'reject' | 'wait'
  readonly onMismatch: 'reject' | 'replay'
  readonly remembers: 'final' | 'success' | 'all'
}

export interface OperationFacts {
  /** `orders.placeOrder` */
  readonly ref: string
  readonly service: string
  readonly operation: string
  readonly method: string
  readonly path: string
  readonly location: SourceLocation
  /** member → where it is promised; only what is a promise */
  readonly promised: Readonly<Partial<Record<Member, SourceLocation>>>
  readonly idempotency: 'natural' | 'none' | KeyPromise
  readonly timeoutMs?: number
  readonly correlation?: Expression
  /** where a URL goes that is called back with the outcome: `$request.body#/callbackUrl` */
  readonly callback?: string
  readonly deprecated: boolean
  readonly sunset?: string
  /** declared statuses: `201`, `4XX`, `default` */
  readonly statuses: readonly string[]
  /** what is declared of answers, by status as written */
  readonly answers: Readonly<Record<string, AnswerFacts>>
  readonly contentType: string
  readonly probe: ProbeFacts
  readonly parameters: readonly ParameterFacts[]
  /** of the JSON body, with references to `schemas` of the run */
  readonly bodySchema?: JsonSchema
}

export interface AnswerFacts {
  /** names in lower case */
  readonly headers: readonly string[]
  /** those of them that must be there */
  readonly required: readonly string[]
  /** empty: nothing is said of a body */
  readonly content: readonly BodyFacts[]
}

export interface BodyFacts {
  readonly contentType: string
  readonly json: boolean
  /** with references to `schemas` of the run */
  readonly schema?: JsonSchema
}

/** What is declared of an answer with this status: by itself, its class (`4XX`), or `default`. */
export function declaredFor({ answers }: Pick<OperationFacts, 'answers'>, status: number): AnswerFacts | undefined {
  const text = String(status)
  const wide = Object.keys(answers).find((one) => one.toUpperCase() === `${text[0]}XX`)
  return answers[text] ?? (wide === undefined ? undefined : answers[wide]) ?? answers['default']
}

interface ParameterFacts {
  readonly name: string
  readonly in: string
  readonly required: boolean
  readonly value: string
}

/** An operation to call, with `$marker` among its parameters. */
export interface AskFacts {
  readonly method: string
  readonly path: string
  readonly parameters: Readonly<Record<string, unknown>>
}

export interface ProbeFacts {
  readonly marker?: string
  readonly example?: unknown
  readonly failure?: unknown
  readonly count?: string
  readonly settlesMs: number
  readonly read?: AskFacts
  /** what removes the effects of a marker again; a text: why it cannot be used */
  readonly cleanup?: AskFacts | string
  /** `strong`: effects can be counted from the marker alone; else why not */
  readonly oracle: 'strong' | { readonly weak: string }
}

/** It has no effect that could be doubled: its answers and their time are all it can promise. */
export function onlyReads({ method }: { readonly method: string }): boolean {
  return ['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(method)
}

/** Seen with the answer, unless the probe says otherwise; the rest is for a slow disk. */
const defaultSettlesMs = 500

export function operationFacts(operation: HttpOperation, service: Service): OperationFacts {
  const { guarantees } = operation
  const json = operation.requestBody?.content.find((media) => media.json)
  const responses = Object.values(operation.responses)
  const idempotency = guarantees.values.idempotency
  const changes = !onlyReads(operation)
  const naturally = guarantees.natural && changes && idempotency === 'natural' ? operation.location : undefined
  const promised: Partial<Record<Member, SourceLocation>> = {
    ...set('idempotency', idempotency === 'none' ? undefined : (guarantees.declared.idempotency ?? naturally)),
    ...set('timeout', guarantees.declared.timeout),
    ...set('correlation', guarantees.declared.correlation),
    ...set('deprecation', operation.deprecated || operation.sunset !== undefined ? operation.location : undefined),
    ...set('errors', responses.length > 0 ? operation.location : undefined),
  }
  return {
    ref: `${operation.service}.${operation.operation}`,
    service: operation.service,
    operation: operation.operation,
    method: operation.method,
    path: operation.path,
    location: operation.location,
    promised,
    idempotency,
    ...set('timeoutMs', guarantees.declared.timeout === undefined ? undefined : guarantees.values.timeoutMs),
    ...set('correlation', guarantees.correlation),
    ...set('callback', calledBackAt(operation)),
    deprecated: operation.deprecated,
    ...set('sunset', operation.sunset),
    statuses: responses.map(({ status }) => status),
    answers: Object.fromEntries(
      responses.map(({ status, headers, content }): [string, AnswerFacts] => [
        status,
        {
          headers: headers.map(({ name }) => name.toLowerCase()),
          required: headers.filter(({ required }) => required).map(({ name }) => name.toLowerCase()),
          content: content.map(({ contentType, json, schema }) => ({
            contentType,
            json,
            ...set('schema', schema?.schema),
          })),
        },
      ]),
    ),
    contentType: json?.contentType ?? operation.requestBody?.content[0]?.contentType ?? 'application/json',
    probe: probeFacts(operation.probe, service),
    parameters: operation.parameters.map((one) => ({
      name: one.name,
      in: one.in,
      required: one.required,
      value: sampleOf(one.schema.schema),
    })),
    ...set('bodySchema', json?.schema?.schema),
  }
}

export function probeFacts(probe: Probe | undefined, service: Service): ProbeFacts {
  const settlesMs = probe?.settlesMs ?? defaultSettlesMs
  const facts = {
    ...set('marker', probe?.marker),
    ...set('example', probe?.example),
    ...set('failure', probe?.failure),
    ...set('count', probe?.count),
    settlesMs,
    ...set('cleanup', cleanupFacts(probe?.cleanup, service)),
  }
  const weak = (why: string): ProbeFacts => ({ ...facts, oracle: { weak: why } })
  if (probe?.read === undefined) return weak('x-probe has no `read`: say which operation shows the effect')
  if (probe.marker === undefined) return weak('x-probe has no `marker`: say where a unique value goes')
  const { operation: name, parameters = {} } = probe.read
  const target = service.operations[name.replace(`${service.name}.`, '')]
  if (target === undefined) return weak(`x-probe reads \`${name}\`, which is no HTTP operation of this service`)
  const read = { method: target.method, path: target.path, parameters }
  if (JSON.stringify(parameters).includes('$response')) {
    return {
      ...facts,
      read,
      oracle: { weak: '`read` needs a value of the answer, so it cannot see a second effect: read by `$marker`' },
    }
  }
  if (!JSON.stringify(parameters).includes('$marker')) return weak('`read` does not look for `$marker`')
  return { ...facts, read, oracle: 'strong' }
}

function cleanupFacts(cleanup: unknown, service: Service): AskFacts | string | undefined {
  if (cleanup === undefined) return undefined
  const { operation: name, parameters } = (cleanup ?? {}) as { operation?: unknown; parameters?: unknown }
  if (typeof name !== 'string') return '`cleanup` of x-probe must be { operation, parameters }'
  const target = service.operations[name.replace(`${service.name}.`, '')]
  if (target === undefined)
    return `\`cleanup\` of x-probe names \`${name}\`, which is no HTTP operation of this service`
  // Without the marker it would remove what is not ours.
  if (!JSON.stringify(parameters ?? {}).includes('$marker')) return '`cleanup` of x-probe does not name `$marker`'
  return { method: target.method, path: target.path, parameters: parameters as Record<string, unknown> }
}

function sampleOf(schema: JsonSchema): string {
  if (typeof schema === 'boolean') return 'x'
  const { default: standard, example, examples, enum: values, type } = schema as Record<string, unknown>
  const first =
    standard ??
    example ??
    (Array.isArray(examples) ? examples[0] : undefined) ??
    (Array.isArray(values) ? values[0] : undefined)
  if (typeof first === 'string' || typeof first === 'number' || typeof first === 'boolean') return String(first)
  return type === 'integer' || type === 'number' ? '1' : type === 'boolean' ? 'true' : 'x'
}

function set<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V }
}
