/**
 * CloudEvents 1.0 context attributes, checked as they come in from outside
 * (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#context-attributes).
 */
import { SpandrelError } from '../errors.ts'
import type { MessageAttributes } from './envelope.ts'

const nameForm = /^[a-z0-9]{1,64}$/
const timeForm = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/
const jsonForm = /^application\/(?:[a-z0-9.+-]+\+)?json(?:\s*;.*)?$/i
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const control = /[\u0000-\u001f\u007f-\u009f]/
const mostAttributes = 64
const longestValue = 8192

/**
 * Fills in what is optional in CloudEvents and not here: `time`, `datacontenttype`, and `correlationid`, which starts
 * with this message. Throws `contract-violation` naming the attribute.
 */
export function checkedAttributes(given: Readonly<Record<string, unknown>>): MessageAttributes {
  const attributes: Record<string, string> = {}
  const names = Object.keys(given)
  if (names.length > mostAttributes) throw violation(`more than ${mostAttributes} attributes`)
  for (const name of names) {
    const value = given[name]
    if (value === undefined || value === null) continue
    if (!nameForm.test(name))
      throw violation(
        `attribute name ${JSON.stringify(name.slice(0, 80))}: lower-case letters and digits only, and not data`,
      )
    attributes[name] = checkedValue(name, value)
  }
  if (attributes['specversion'] !== '1.0')
    throw violation(`specversion must be 1.0, not ${attributes['specversion'] ?? 'absent'}`)
  for (const name of ['id', 'source', 'type'])
    if (!attributes[name]) throw violation(`${name} is required and must not be empty`)
  const { time, datacontenttype } = attributes
  if (time !== undefined && (!timeForm.test(time) || Number.isNaN(Date.parse(time))))
    throw violation(`time is not RFC 3339: ${time}`)
  if (datacontenttype !== undefined && !jsonForm.test(datacontenttype)) {
    throw violation(`datacontenttype must be JSON, not ${datacontenttype}`)
  }
  const plainJson = datacontenttype === undefined || /^application\/json(?:\s*;|$)/i.test(datacontenttype)
  return {
    ...attributes,
    time: time ?? new Date().toISOString(),
    datacontenttype: plainJson ? 'application/json' : datacontenttype,
    correlationid: attributes['correlationid'] ?? attributes['id'],
  } as MessageAttributes
}

function checkedValue(name: string, value: unknown): string {
  const text =
    typeof value === 'string'
      ? value
      : typeof value === 'boolean' || Number.isInteger(value)
        ? String(value)
        : undefined
  if (text === undefined) throw violation(`attribute ${name} must be a string, a boolean or an integer`)
  const fault = faultOfValue(text)
  if (fault !== undefined) throw violation(`attribute ${name} ${fault}`)
  return text
}

/** What is wrong with an attribute's value, or undefined. */
export function faultOfValue(text: string): string | undefined {
  if (text.length > longestValue) return `is longer than ${longestValue} characters`
  if (control.test(text)) return 'contains control characters'
  if (!text.isWellFormed()) return 'contains half of a surrogate pair'
  return undefined
}

/** Whether a name may be used for an extension attribute of the caller's own. */
export function isAttributeName(name: string): boolean {
  return nameForm.test(name)
}

export function violation(what: string): SpandrelError {
  return new SpandrelError('contract-violation', `not a CloudEvent: ${what}`)
}
