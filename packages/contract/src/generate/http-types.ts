/** The types of an HTTP operation: what its handler is given and may answer, and what its callers send and get. */
import type { HttpOperation, MediaType, Parameter, Response } from '../model/operation.ts'
import type { JsonSchema } from '../model/schema.ts'
import { comment, linesOf } from './doc-comment.ts'
import { memberName, pascalCase } from './names.ts'
import type { ServiceTypes } from './service-types.ts'
import type { Service } from '../model/system.ts'

const NOTHING = 'Record<string, never>'

/** OpenAPI leaves these to the media types and the security schemes. */
const NOT_PARAMETERS = ['accept', 'authorization', 'content-type']

export function parametersIn(operation: HttpOperation, place: Parameter['in']): Parameter[] {
  return operation.parameters.filter(
    (each) => each.in === place && !(place === 'header' && NOT_PARAMETERS.includes(each.name.toLowerCase())),
  )
}

/** `query` and its like: an object type with the declared parameters. */
function parametersType(
  operation: HttpOperation,
  place: Parameter['in'],
  types: ServiceTypes,
  service: Service,
  indent: string,
  optional?: string,
): string {
  const parameters = parametersIn(operation, place)
  if (parameters.length === 0) return NOTHING
  const inner = `${indent}  `
  const members = parameters.map((each) => {
    const name = memberName(place === 'header' ? each.name.toLowerCase() : each.name)
    const lines = [...linesOf(each.description ?? ''), ...(each.deprecated ? ['@deprecated'] : [])]
    const type = types.typeOf(service, each.schema.schema, inner)
    return `${comment(lines, inner)}${inner}${name}${isRequired(each, optional) ? '' : '?'}: ${type}\n`
  })
  return `{\n${members.join('')}${indent}}`
}

function isRequired(parameter: Parameter, optionalHeader: string | undefined): boolean {
  const exempt = parameter.in === 'header' && parameter.name.toLowerCase() === optionalHeader
  return parameter.required && !exempt
}

/** JSON first; a body without a JSON form is text or bytes. */
export function contentSchema(content: readonly MediaType[]): JsonSchema | undefined {
  const json = content.filter((each) => each.json).map((each) => each.schema?.schema ?? true)
  const distinct = [...new Map(json.map((schema) => [JSON.stringify(schema), schema])).values()]
  return distinct.length > 1 ? { anyOf: distinct } : distinct[0]
}

function contentType(
  content: readonly MediaType[],
  types: ServiceTypes,
  service: Service,
  name: string,
): string | undefined {
  if (content.length === 0) return undefined
  const schema = contentSchema(content)
  if (schema !== undefined) return types.named(service, schema, name)
  return content.some((each) => each.contentType.startsWith('text/') || each.contentType.includes('urlencoded'))
    ? 'string'
    : 'Uint8Array'
}

/** What an answer's body is called where its schema has no name: `PlaceOrder202`, `PlaceOrderDefault`. */
export function inlineName(operation: string, status: string): string {
  return `${pascalCase(operation)}${status === 'default' ? 'Default' : status}`
}

/** The answers of an operation as a union over their statuses. `side`: who reads it decides what is optional. */
export function answerType(
  operation: HttpOperation,
  types: ServiceTypes,
  service: Service,
  side: 'server' | 'client',
): string {
  const responses = Object.values(operation.responses)
  if (responses.length === 0) return '{ status: HttpStatus; body?: unknown; headers?: Record<string, string> }'
  const declared = responses.map((each) => each.status.toUpperCase())
  const answers = responses.map((response) => {
    const name = inlineName(operation.operation, response.status)
    const body = contentType(response.content, types, service, name)
    const members = [
      `status: ${statusType(response.status.toUpperCase(), declared)}`,
      headersMember(response, side),
      // Without a body the member is still there to be read from the union.
      body === undefined ? 'body?: undefined' : `body: ${body}`,
    ]
    return `{ ${members.join('; ')} }`
  })
  return answers.length === 1 ? (answers[0] ?? '') : answers.map((each) => `\n  | ${each}`).join('')
}

function headersMember(response: Response, side: 'server' | 'client'): string {
  const members = response.headers
    .filter((header) => header.name.toLowerCase() !== 'content-type')
    .map((header) => `${memberName(header.name.toLowerCase())}${header.required ? '' : '?'}: string`)
  const optional = side === 'server' && !response.headers.some((header) => header.required) ? '?' : ''
  const declared = members.length === 0 ? '' : `{ ${members.join('; ')} } & `
  return `headers${optional}: ${declared}Record<string, string>`
}

const CLASSES: Readonly<Record<string, string>> = {
  '2XX': 'SuccessStatus',
  '3XX': 'RedirectionStatus',
  '4XX': 'ClientErrorStatus',
  '5XX': 'ServerErrorStatus',
}

function statusType(status: string, declared: readonly string[]): string {
  if (/^\d{3}$/.test(status)) return status
  const others = declared.filter(
    (each) => each !== status && (status === 'DEFAULT' || each.startsWith(status.charAt(0))),
  )
  const all = CLASSES[status] ?? 'HttpStatus'
  const excluded = others.map((each) => CLASSES[each] ?? each)
  return excluded.length === 0 ? all : `Exclude<${all}, ${excluded.join(' | ')}>`
}

/**
 * What a caller passes: only the parts that the operation has, optional where all in it is. `optionalHeader`: one that
 * somebody else fills in.
 */
export function callInputType(
  operation: HttpOperation,
  types: ServiceTypes,
  service: Service,
  optionalHeader: string | undefined,
): string {
  const members: string[] = []
  for (const [member, place] of [
    ['params', 'path'],
    ['query', 'query'],
    ['headers', 'header'],
    ['cookies', 'cookie'],
  ] as const) {
    const parameters = parametersIn(operation, place)
    if (parameters.length === 0) continue
    const optional = parameters.some((each) => isRequired(each, optionalHeader)) ? '' : '?'
    const type = parametersType(operation, place, types, service, '  ', optionalHeader)
    members.push(`  ${member}${optional}: ${type}\n`)
  }
  const body = operation.requestBody
  if (body !== undefined) {
    const type = contentType(body.content, types, service, `${pascalCase(operation.operation)}Body`) ?? 'unknown'
    members.push(`  body${body.required ? '' : '?'}: ${type}\n`)
  }
  return members.length === 0 ? NOTHING : `{\n${members.join('')}}`
}

/** Whether a call can be made without saying anything. */
export function needsInput(operation: HttpOperation): boolean {
  return operation.parameters.some((each) => each.required) || operation.requestBody?.required === true
}

/** The members of `OrdersTypes['operations'][…]`. */
export function handlerTypes(operation: HttpOperation, types: ServiceTypes, service: Service, answer: string): string {
  const inner = '      '
  const body = operation.requestBody
  const bodyType =
    body === undefined
      ? 'undefined'
      : `${contentType(body.content, types, service, `${pascalCase(operation.operation)}Body`) ?? 'unknown'}${body.required ? '' : ' | undefined'}`
  const members = [
    `params: ${parametersType(operation, 'path', types, service, inner)}`,
    `query: ${parametersType(operation, 'query', types, service, inner)}`,
    `headers: ${parametersType(operation, 'header', types, service, inner)}`,
    `body: ${bodyType}`,
    `answer: ${answer}`,
  ]
  return `{\n${members.map((each) => `${inner}${each}\n`).join('')}    }`
}

/** `summary`, `description` and where the operation answers, for the comment above it. */
export function operationComment(operation: HttpOperation, indent: string): string {
  const lines = [`${operation.method} ${operation.path}`, ...linesOf(operation.summary ?? operation.description ?? '')]
  if (operation.deprecated) lines.push('@deprecated')
  return comment(lines, indent)
}
