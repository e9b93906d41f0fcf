import type { Response } from '../../model/operation.ts'
import type { ServiceComparison } from '../comparison.ts'
import { paired, reporter } from '../comparison.ts'
import type { HttpPair } from '../http-pair.ts'
import { heldAt, responseDirection } from '../http-pair.ts'
import type { DiffRule } from '../model.ts'
import { covers, mediaType } from './request-body.ts'

/** What answers a request. A webhook receives it, so there the levels are turned round. */
export const responseRules = {
  'response-success-removed': {
    area: 'operation',
    level: 'breaking',
    law: 'a caller that waits for an outcome that no longer comes does not finish',
    why: 'A 2xx is what the caller asked for. Where another one takes its place, the caller takes it for something else.',
    fix: 'keep the status, or add a new operation that answers with the new one',
  },
  'response-error-removed': {
    area: 'operation',
    level: 'info',
    law: 'an error that no longer occurs asks nothing of a caller',
    why: 'A caller that handles it handles it in vain.',
    fix: 'nothing to do',
  },
  'response-success-added': {
    area: 'operation',
    level: 'warning',
    strict: 'breaking',
    law: 'a caller that knows one success takes another one for that, or for a failure',
    why: 'RFC 9110 lets a caller treat an unknown 2xx as 200, so it reads a body that is another one, or none. Whether it does so nobody can tell from the documents.',
    fix: 'let callers ask for the new outcome (`Prefer: respond-async`), or add an operation',
  },
  'response-error-added': {
    area: 'operation',
    level: 'minor',
    strict: 'breaking',
    law: 'a new error is one of its class to a caller that does not know it',
    why: 'RFC 9110, 15: an unknown 4xx is a 400, an unknown 5xx a 500. Callers have to handle those anyway.',
    fix: 'nothing to do; describe the error as problem+json',
  },
  'response-media-type-removed': {
    area: 'operation',
    level: 'breaking',
    law: 'a caller that asks for a media type which is no longer offered gets 406, or something it cannot read',
    why: 'Callers chose one of the media types.',
    fix: 'keep offering the media type until its callers have moved',
  },
  'response-media-type-added': {
    area: 'operation',
    level: 'minor',
    strict: 'warning',
    law: 'one more media type to choose from offers something more',
    why: 'A caller that sends `Accept` goes on getting what it asked for. Callers that send none must get the one they always got.',
    fix: 'keep the old media type the default',
  },
  'response-header-removed': {
    area: 'operation',
    level: 'breaking',
    law: 'a header that was always there is missing',
    why: 'The contract said `required: true`. A header that was optional may be gone without breaking anybody, and is only told.',
    fix: 'keep sending it until nobody reads it',
  },
  'response-header-became-optional': {
    area: 'operation',
    level: 'breaking',
    law: 'a header that was always there may be missing',
    why: 'A caller may rely on what is required: `Location`, `ETag`, `Retry-After`.',
    fix: 'keep it required',
  },
  'response-header-became-required': {
    area: 'operation',
    level: 'minor',
    law: 'a header that may be relied on offers something more',
    why: 'Callers that expected it to be missing sometimes find it always. Of a webhook or callback it is breaking: there the receiver answers, and has to send it.',
    fix: 'nothing to do; see that every answer has it',
  },
  'response-header-added': {
    area: 'operation',
    level: 'minor',
    law: 'a new header offers something more',
    why: 'Callers ignore headers that they do not know.',
    fix: 'nothing to do',
  },
} as const satisfies Record<string, DiffRule>

export function checkResponses(pair: HttpPair, comparison: ServiceComparison): void {
  const report = reporter(responseRules, comparison.changes, pair.subject)
  const sent = responseDirection(pair) === 'sent'
  const before = Object.values(pair.base.responses)
  const after = Object.values(pair.revision.responses)
  const { both, removed, added } = paired(before, after, ({ status }) => status.toUpperCase())
  for (const { status, location } of removed) {
    const cover = coverOf(status, after)
    if (cover !== undefined) continue
    const success = isSuccess(status)
    report(success ? 'response-success-removed' : 'response-error-removed', {
      at: heldAt(pair),
      base: location,
      place: `response ${status}`,
      message: `the answer ${status} is gone`,
      before: status,
      // What an application no longer understands of the answers to its own webhooks, it may still be sent.
      ...(sent ? {} : { level: 'breaking' }),
    })
  }
  for (const response of added) {
    const { status, location } = response
    const cover = coverOf(status, before)
    if (cover !== undefined) {
      compareResponse(cover, response, pair, comparison)
      continue
    }
    report(isSuccess(status) ? 'response-success-added' : 'response-error-added', {
      at: location,
      place: `response ${status}`,
      message: `the answer ${status} is new`,
      after: status,
      ...(sent ? {} : { level: 'minor' }),
    })
  }
  for (const [old, now] of both) compareResponse(old, now, pair, comparison)
}

function compareResponse(old: Response, now: Response, pair: HttpPair, comparison: ServiceComparison): void {
  const report = reporter(responseRules, comparison.changes, pair.subject)
  const direction = responseDirection(pair)
  const sent = direction === 'sent'
  const where = { at: now.location, base: old.location }
  const media = paired(old.content, now.content, ({ contentType }) => mediaType(contentType))
  const covered = (type: string, all: readonly { contentType: string }[]): boolean =>
    all.some(({ contentType }) => covers(mediaType(contentType), mediaType(type)))
  for (const { contentType } of media.removed) {
    if (covered(contentType, now.content)) continue
    report('response-media-type-removed', {
      ...where,
      place: `response ${now.status} ${contentType}`,
      message: `the answer ${now.status} no longer comes in \`${contentType}\``,
      before: contentType,
    })
  }
  for (const { contentType } of media.added) {
    if (covered(contentType, old.content)) continue
    report('response-media-type-added', {
      ...where,
      place: `response ${now.status} ${contentType}`,
      message: `the answer ${now.status} comes in \`${contentType}\`, too`,
      after: contentType,
    })
  }
  for (const [before, after] of media.both) {
    comparison.schemas.compare(before.schema, after.schema, {
      ...where,
      direction,
      exchange: 'response',
      place: media.both.length > 1 ? `response ${now.status} ${after.contentType}` : `response ${now.status} body`,
      subject: pair.subject,
    })
  }
  const headers = paired(old.headers, now.headers, ({ name }) => name.toLowerCase())
  for (const { name, required } of headers.removed) {
    report('response-header-removed', {
      ...where,
      place: `response ${now.status} header ${name}`,
      message: `the header \`${name}\` of the answer ${now.status} is gone`,
      ...(sent && required ? {} : { level: 'info' }),
    })
  }
  for (const { name } of headers.added) {
    report('response-header-added', {
      ...where,
      place: `response ${now.status} header ${name}`,
      message: `the answer ${now.status} has a new header, \`${name}\``,
    })
  }
  for (const [before, after] of headers.both) {
    const place = `response ${now.status} header ${after.name}`
    if (before.required && !after.required) {
      report('response-header-became-optional', {
        ...where,
        place,
        message: `the header \`${after.name}\` of the answer ${now.status} may be missing now`,
        ...(sent ? {} : { level: 'minor' }),
      })
    }
    if (!before.required && after.required) {
      report('response-header-became-required', {
        ...where,
        place,
        message: `the header \`${after.name}\` of the answer ${now.status} is always there now`,
        ...(sent ? {} : { level: 'breaking' }),
      })
    }
    comparison.schemas.compare(before.schema, after.schema, { direction, text: true, place, subject: pair.subject })
  }
}

function isSuccess(status: string): boolean {
  return /^[123]/.test(status)
}

/** The range or default that said already, or still says, what a status means. */
function coverOf(status: string, all: readonly Response[]): Response | undefined {
  const range = `${status.charAt(0)}XX`
  return (
    all.find((one) => one.status.toUpperCase() === range && status.toUpperCase() !== range) ??
    (isSuccess(status) ? undefined : all.find((one) => one.status === 'default' && status !== 'default'))
  )
}
