import type { MediaType, RequestBody, Response, ResponseHeader } from '../model/operation.ts'
import { optional } from '../model/optional.ts'
import type { Dialect } from '../schema/dialect.ts'
import { dialectOf } from '../schema/dialect.ts'
import { follow } from '../service/reading.ts'
import type { Reading } from '../service/reading.ts'
import { entriesAt, entriesOf, field, flagAt, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'

/** Bodies, answers and their media types. */

function isJson(contentType: string): boolean {
  return /^\s*[^/;\s]+\/(json|[^;\s]+\+json)\s*(;|$)/i.test(contentType)
}

function readContent(node: Node | undefined, dialect: Dialect, reading: Reading): readonly MediaType[] {
  return entriesAt(node, 'content').map(([contentType, { value }]) => {
    const media = follow(value, reading)
    const schema = field(media, 'schema')
    return {
      contentType,
      json: isJson(contentType),
      ...optional('schema', schema && reading.schemas.read(schema, dialectAt(schema, dialect, reading))),
    }
  })
}

/** A part may have been reached through a reference into a document of another version. */
export function dialectAt(node: Node, dialect: Dialect, { sources }: Reading): Dialect {
  return dialectOf(sources.open(node.at.file, node.at), dialect)
}

export function readRequestBody(node: Node | undefined, dialect: Dialect, reading: Reading): RequestBody | undefined {
  const body = follow(node, reading)
  if (body === undefined) return undefined
  return {
    required: flagAt(body, 'required') ?? false,
    ...optional('description', textAt(body, 'description')),
    content: readContent(body, dialect, reading),
    location: body.at,
  }
}

export function readResponses(node: Node | undefined, dialect: Dialect, reading: Reading): Record<string, Response> {
  const answers = entriesOf(node).filter(([status]) => !status.startsWith('x-'))
  return Object.fromEntries(
    answers.flatMap(([status, { keyAt, value }]) => {
      const response = follow(value, reading)
      if (response === undefined) return []
      const read: Response = {
        status,
        ...optional('description', textAt(response, 'description')),
        content: readContent(response, dialect, reading),
        headers: readHeaders(response, dialect, reading),
        location: keyAt,
      }
      return [[status, read]]
    }),
  )
}

function readHeaders(response: Node, dialect: Dialect, reading: Reading): readonly ResponseHeader[] {
  return entriesAt(response, 'headers').flatMap(([name, { value }]) => {
    const header = follow(value, reading)
    // OpenAPI: a Content-Type header is ignored; the media types say it.
    if (header === undefined || name.toLowerCase() === 'content-type') return []
    const schema = field(header, 'schema')
    return [
      {
        name,
        required: flagAt(header, 'required') ?? false,
        ...optional('description', textAt(header, 'description')),
        schema:
          schema === undefined
            ? { schema: true, location: header.at }
            : reading.schemas.read(schema, dialectAt(schema, dialect, reading)),
      },
    ]
  })
}
