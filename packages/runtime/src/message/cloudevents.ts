/**
 * CloudEvents 1.0 over HTTP
 * (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md).
 *
 *   binary       a header `ce-<attribute>` each, `content-type` = datacontenttype, the body is the data (3.1)
 *   structured   `content-type: application/cloudevents+json`, the body holds attributes and data (3.2)
 *
 * Header values are percent-encoded (3.1.3.2): everything but printable ASCII, and space, `"` and `%`.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { checkedAttributes, violation } from './attributes.ts'
import type { Envelope } from './envelope.ts'
import { rawMember } from './raw-member.ts'

export const structuredContentType = 'application/cloudevents+json'

export interface BinaryMessage {
  headers: Record<string, string>
  body: string
}

export function encodeBinary(envelope: Envelope): BinaryMessage {
  const { attributes, data } = envelope
  const headers: Record<string, string> = { 'content-type': attributes.datacontenttype }
  for (const name in attributes) {
    const value = attributes[name]
    if (value !== undefined && name !== 'datacontenttype') headers[`ce-${name}`] = encodeHeader(value)
  }
  return { headers, body: data }
}

export function encodeStructured(envelope: Envelope): string {
  return `${JSON.stringify(envelope.attributes).slice(0, -1)},"data":${envelope.data}}`
}

/**
 * Reads either mode from the lower-case headers and the body of a request. Throws `contract-violation` for what is no
 * CloudEvent with JSON data. The data stays the text it was.
 */
export function decodeHttp(
  headers: IncomingHttpHeaders | Readonly<Record<string, string | undefined>>,
  body: string,
): Envelope {
  const contentType = headers['content-type'] ?? ''
  if (/^application\/cloudevents-batch/i.test(contentType))
    throw violation('batches are not supported, send one event a request')
  if (/^application\/cloudevents(?:\+json)?\s*(?:;|$)/i.test(contentType)) return decodeStructured(body)
  if (/^application\/cloudevents/i.test(contentType))
    throw violation(`format ${contentType.slice(0, 80)} is not supported, only JSON`)
  return decodeBinary(headers, contentType, body)
}

function decodeBinary(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  contentType: string,
  body: string,
): Envelope {
  const given: Record<string, string> = {}
  for (const name in headers) {
    if (!name.startsWith('ce-')) continue
    const value = headers[name]
    if (Array.isArray(value)) throw violation(`header ${name} stands twice`)
    if (value !== undefined) given[name.slice(3)] = decodeHeader(name, value)
  }
  if (contentType !== '') given['datacontenttype'] = contentType
  const attributes = checkedAttributes(given)
  if (body === '') return { attributes, data: 'null' }
  parse(body, 'the body')
  return { attributes, data: body }
}

function decodeStructured(body: string): Envelope {
  const parsed = parse(body, 'the body')
  if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed))
    throw violation('the body is no JSON object')
  const { data: _, data_base64: encoded, ...given } = parsed as Record<string, unknown>
  const attributes = checkedAttributes(given)
  if (encoded === undefined) return { attributes, data: rawMember(body, 'data') ?? 'null' }
  if (typeof encoded !== 'string' || 'data' in parsed)
    throw violation('data_base64 must be a string, and stand instead of data')
  const data = Buffer.from(encoded, 'base64').toString('utf8')
  parse(data, 'data_base64')
  return { attributes, data }
}

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw violation(`${what} is not JSON: ${error instanceof Error ? error.message : ''}`)
  }
}

const plain = /^[\x21\x23\x24\x26-\x7e]*$/
const toEncode = /[^\x21\x23\x24\x26-\x7e]+/gu

function encodeHeader(value: string): string {
  if (plain.test(value)) return value
  return value.replace(toEncode, (found) => {
    let text = ''
    for (const byte of Buffer.from(found, 'utf8')) text += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    return text
  })
}

function decodeHeader(name: string, value: string): string {
  let text = value
  // An older version of the binding allowed quoted strings.
  if (text.length >= 2 && text.startsWith('"') && text.endsWith('"'))
    text = text.slice(1, -1).replaceAll(/\\(.)/g, '$1')
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    throw violation(`header ${name} is not percent-encoded UTF-8`)
  }
}
