import type { ServiceComparison } from '../comparison.ts'
import { paired, reporter } from '../comparison.ts'
import type { HttpPair } from '../http-pair.ts'
import { heldAt, requestDirection } from '../http-pair.ts'
import type { DiffRule } from '../model.ts'

/** The body of a request. A webhook sends it, so there the levels are turned round. */
export const requestBodyRules = {
  'request-body-became-required': {
    area: 'operation',
    level: 'breaking',
    law: 'a caller that sends no body is refused where the body became required',
    why: 'It was allowed to send none. That holds for a body that is new and required, too.',
    fix: 'keep the body optional, and say what an empty request means',
  },
  'request-body-became-optional': {
    area: 'operation',
    level: 'minor',
    law: 'a body that may be left out asks less of the caller',
    why: 'Whoever sends it goes on sending it. A webhook whose body may be missing breaks its receivers.',
    fix: 'nothing to do; say in the description what happens without it',
  },
  'request-body-added': {
    area: 'operation',
    level: 'minor',
    law: 'a new optional body offers something more',
    why: 'Callers that send none get what they always got.',
    fix: 'nothing to do',
  },
  'request-body-removed': {
    area: 'operation',
    level: 'breaking',
    law: 'what callers put into the body is no longer read',
    why: 'The call may still succeed, without what the caller asked for.',
    fix: 'add a new operation, and deprecate this one',
  },
  'request-media-type-removed': {
    area: 'operation',
    level: 'breaking',
    law: 'a body in a media type that is no longer accepted is refused with 415',
    why: 'Callers chose one of the media types, and cannot know that it is no longer read.',
    fix: 'keep accepting the media type until its callers have moved',
  },
  'request-media-type-added': {
    area: 'operation',
    level: 'minor',
    law: 'one more accepted media type offers something more',
    why: 'Nobody has to use it. A webhook that is sent in a new media type breaks its receivers.',
    fix: 'nothing to do',
  },
} as const satisfies Record<string, DiffRule>

export function checkRequestBody(pair: HttpPair, comparison: ServiceComparison): void {
  const before = pair.base.requestBody
  const after = pair.revision.requestBody
  if (before === undefined && after === undefined) return
  const report = reporter(requestBodyRules, comparison.changes, pair.subject)
  const direction = requestDirection(pair)
  const received = direction === 'received'
  const place = 'request body'
  if (after === undefined) {
    report('request-body-removed', {
      at: heldAt(pair),
      base: before?.location,
      place,
      message: 'the request body is gone',
    })
    return
  }
  const where = { at: after.location, base: before?.location, place }
  if (after.required && before?.required !== true) {
    const message = before === undefined ? 'a required request body is new' : 'the request body is required now'
    report('request-body-became-required', { ...where, message, ...(received ? {} : { level: 'minor' }) })
  } else if (before === undefined) {
    report('request-body-added', { ...where, message: 'an optional request body is new' })
  } else if (before.required && !after.required) {
    const message = 'the request body may be left out now'
    report('request-body-became-optional', { ...where, message, ...(received ? {} : { level: 'breaking' }) })
  }
  if (before === undefined) return
  const { both, removed, added } = paired(before.content, after.content, ({ contentType }) => mediaType(contentType))
  const wider = (type: string, all: readonly { contentType: string }[]): boolean =>
    all.some(({ contentType }) => covers(mediaType(contentType), mediaType(type)))
  for (const { contentType } of removed) {
    if (wider(contentType, after.content)) continue
    report('request-media-type-removed', {
      ...where,
      place: `request body ${contentType}`,
      message: `a request body in \`${contentType}\` is no longer ${received ? 'accepted' : 'sent'}`,
      before: contentType,
      ...(received ? {} : { level: 'minor' }),
    })
  }
  for (const { contentType } of added) {
    if (wider(contentType, before.content)) continue
    report('request-media-type-added', {
      ...where,
      place: `request body ${contentType}`,
      message: `a request body in \`${contentType}\` is ${received ? 'accepted' : 'sent'}, too`,
      after: contentType,
      ...(received ? {} : { level: 'breaking' }),
    })
  }
  for (const [old, now] of both) {
    comparison.schemas.compare(old.schema, now.schema, {
      direction,
      exchange: 'request',
      place: both.length > 1 ? `request body ${now.contentType}` : place,
      subject: pair.subject,
      at: after.location,
      base: before.location,
    })
  }
}

/** Case and parameters such as `charset` do not make it another media type (RFC 9110, 8.3.1). */
export function mediaType(text: string): string {
  return text.split(';')[0]?.trim().toLowerCase() ?? ''
}

/** `application/*` covers `application/json`. */
export function covers(range: string, type: string): boolean {
  if (range === type || range === '*/*') return true
  return range.endsWith('/*') && type.startsWith(range.slice(0, -1))
}
