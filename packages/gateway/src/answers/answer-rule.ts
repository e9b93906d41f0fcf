/** What the contract of one operation says about its answers. */
import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders } from 'node:http'
import {
  type AnswerMode,
  type HttpOperation,
  type JsonSchema,
  mediaTypeMatcher,
  type SchemaCheck,
} from '@spandrel/contract'

/** Where an answer does not fit: a place, never a value. */
export interface AnswerFault {
  /** `status`, `content-type`, a header's name, or a pointer into the body */
  readonly at: string
  readonly detail: string
}

interface Declared {
  readonly required: readonly string[]
  readonly types: readonly { readonly matches: (essence: string) => boolean; readonly check: SchemaCheck | undefined }[]
}

/** HTTP itself gives these to a conditional request or a range, whatever a contract lists. */
const ofHttp = new Set([206, 304, 412, 416])

export class AnswerRule {
  readonly mode: Exclude<AnswerMode, 'off'>
  readonly #declared: ReadonlyMap<string, Declared>

  constructor(
    operation: HttpOperation,
    mode: Exclude<AnswerMode, 'off'>,
    compile: (schema: JsonSchema) => SchemaCheck,
  ) {
    this.mode = mode
    this.#declared = new Map(
      Object.values(operation.responses).map(({ status, content, headers }) => [
        status.toUpperCase(),
        {
          required: headers.filter(({ required }) => required).map(({ name }) => name.toLowerCase()),
          types: content
            .map(({ contentType, json, schema }) => ({
              ...mediaTypeMatcher(contentType),
              check: json && schema !== undefined ? compile(schema.schema) : undefined,
            }))
            .sort((left, right) => right.rank - left.rank),
        },
      ]),
    )
  }

  /** What can be said before the body is there: a fault, the check its body must pass, or nothing. */
  head(
    status: number,
    headers: IncomingHttpHeaders,
    hasBody: boolean,
  ): { readonly fault?: AnswerFault; readonly check?: SchemaCheck } {
    const declared =
      this.#declared.get(String(status)) ??
      this.#declared.get(`${Math.floor(status / 100)}XX`) ??
      this.#declared.get('DEFAULT')
    if (declared === undefined) {
      return ofHttp.has(status) ? {} : { fault: { at: 'status', detail: `${status} is not declared` } }
    }
    const missing = declared.required.find((name) => headers[name] === undefined)
    if (missing !== undefined) return { fault: { at: missing, detail: `the header ${missing} is required` } }
    const { types } = declared
    if (!hasBody || types.length === 0) return {}
    const given = headers['content-type']
    if (given === undefined) return { fault: { at: 'content-type', detail: 'the body has no content type' } }
    const essence = given.split(';', 1)[0]?.trim().toLowerCase() ?? ''
    const type = types.find(({ matches }) => matches(essence))
    // The service's own words: shown in a log only, and bounded there.
    if (type === undefined) return { fault: { at: 'content-type', detail: `${essence.slice(0, 100)} is not declared` } }
    return type.check === undefined ? {} : { check: type.check }
  }
}

/** The first fault of a JSON body. */
export function bodyFault(bytes: Buffer, check: SchemaCheck): AnswerFault | undefined {
  if (!isUtf8(bytes)) return { at: '/', detail: 'is not UTF-8' }
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    return { at: '/', detail: 'is not JSON' }
  }
  const [first] = check(value) ?? []
  return first === undefined ? undefined : { at: first.pointer === '' ? '/' : first.pointer, detail: first.detail }
}
