import type { Parameter } from '../../model/operation.ts'
import type { ServiceComparison } from '../comparison.ts'
import { paired, reporter } from '../comparison.ts'
import type { HttpPair } from '../http-pair.ts'
import { heldAt, requestDirection } from '../http-pair.ts'
import type { DiffRule } from '../model.ts'

/** What a request carries besides its body. A webhook sends them, so there the levels are turned round. */
export const parameterRules = {
  'parameter-added-required': {
    area: 'operation',
    level: 'breaking',
    law: 'a caller that does not know a new required parameter is refused',
    why: 'Every caller there is was written before the parameter. In a webhook it is the application that sends it, so there it is a minor change.',
    fix: 'make the parameter optional with a default, or add a new operation',
  },
  'parameter-added': {
    area: 'operation',
    level: 'minor',
    law: 'a new optional parameter offers something more',
    why: 'Callers that do not send it get what they always got.',
    fix: 'nothing to do; say in the description what happens without it',
  },
  'parameter-removed': {
    area: 'operation',
    level: 'warning',
    strict: 'breaking',
    law: 'a parameter that is no longer read has no effect any more, and nothing tells the caller',
    why: 'A tolerant server ignores what it does not know, so the call works and does something else: a filter that is ignored returns everything. A webhook that no longer sends a required parameter breaks its receiver.',
    fix: 'deprecate the parameter first, and answer 400 to those that still send it',
  },
  'parameter-moved': {
    area: 'operation',
    level: 'breaking',
    law: 'a parameter that is expected in another place is missing where callers put it',
    why: 'A query parameter that became a header is two changes to a caller: the old place is ignored, and the new one is empty.',
    fix: 'read both places until callers have moved',
  },
  'parameter-became-required': {
    area: 'operation',
    level: 'breaking',
    law: 'a caller that leaves out a parameter which became required is refused',
    why: 'It was allowed to leave it out. In a webhook it is a minor change: the receiver gets more than it was promised.',
    fix: 'keep it optional and give it a default',
  },
  'parameter-became-optional': {
    area: 'operation',
    level: 'minor',
    law: 'a parameter that may be left out asks less of the caller',
    why: 'Whoever sends it goes on sending it. In a webhook it is breaking: the receiver may rely on it.',
    fix: 'nothing to do; say in the description what happens without it',
  },
  'parameter-serialization-changed': {
    area: 'operation',
    level: 'breaking',
    law: 'the same value is written another way, so what callers write is read as something else',
    why: '`style`, `explode` and `content` decide how a list or an object becomes text. `a,b` read with `explode: true` is one item.',
    fix: 'keep the serialization, or add a parameter with another name',
  },
} as const satisfies Record<string, DiffRule>

export function checkParameters(pair: HttpPair, comparison: ServiceComparison): void {
  const report = reporter(parameterRules, comparison.changes, pair.subject)
  const direction = requestDirection(pair)
  const received = direction === 'received'
  const { both, removed, added } = paired(
    identified(pair.base.parameters, pair.base.path),
    identified(pair.revision.parameters, pair.revision.path),
    ({ identity }) => identity,
  )
  const moved = new Set<string>()
  for (const { parameter } of removed) {
    const elsewhere = added.find((one) => one.parameter.name.toLowerCase() === parameter.name.toLowerCase())
    if (elsewhere === undefined) continue
    moved.add(identityOf(parameter)).add(identityOf(elsewhere.parameter))
    report('parameter-moved', {
      at: elsewhere.parameter.location,
      base: parameter.location,
      place: shown(parameter),
      message: `the parameter \`${parameter.name}\` is read from the ${elsewhere.parameter.in} now, and was in the ${parameter.in}`,
      before: parameter.in,
      after: elsewhere.parameter.in,
    })
  }
  for (const { parameter } of removed) {
    if (moved.has(identityOf(parameter)) || parameter.in === 'path') continue
    report('parameter-removed', {
      at: heldAt(pair),
      base: parameter.location,
      place: shown(parameter),
      message: received
        ? `the ${parameter.in} parameter \`${parameter.name}\` is gone: callers that send it are no longer heard`
        : `the ${parameter.in} parameter \`${parameter.name}\` is no longer sent`,
      ...(received ? {} : { level: parameter.required ? 'breaking' : 'info' }),
    })
  }
  for (const { parameter } of added) {
    if (moved.has(identityOf(parameter)) || parameter.in === 'path') continue
    report(parameter.required ? 'parameter-added-required' : 'parameter-added', {
      at: parameter.location,
      place: shown(parameter),
      message: `the ${parameter.in} parameter \`${parameter.name}\` is new${parameter.required ? ' and required' : ''}`,
      ...(parameter.required && !received ? { level: 'minor' } : {}),
    })
  }
  for (const [{ parameter: before }, { parameter: after }] of both) {
    changed(before, after, pair, comparison)
    comparison.schemas.compare(before.schema, after.schema, {
      direction,
      text: before.contentType === undefined && after.contentType === undefined,
      place: shown(after),
      subject: pair.subject,
    })
  }
}

function changed(before: Parameter, after: Parameter, pair: HttpPair, comparison: ServiceComparison): void {
  const report = reporter(parameterRules, comparison.changes, pair.subject)
  const received = requestDirection(pair) === 'received'
  const where = { at: after.location, base: before.location, place: shown(after) }
  if (!before.required && after.required) {
    report('parameter-became-required', {
      ...where,
      message: `the ${after.in} parameter \`${after.name}\` is required now`,
      ...(received ? {} : { level: 'minor' }),
    })
  }
  if (before.required && !after.required) {
    report('parameter-became-optional', {
      ...where,
      message: `the ${after.in} parameter \`${after.name}\` may be left out now`,
      ...(received ? {} : { level: 'breaking' }),
    })
  }
  const written = [serialization(before), serialization(after)]
  if (written[0] === written[1]) return
  report('parameter-serialization-changed', {
    ...where,
    message: `the ${after.in} parameter \`${after.name}\` is written as ${written[1]} now, and was ${written[0]}`,
    before: written[0],
    after: written[1],
  })
}

/** Only what changes the text: `explode` says nothing of a plain value. */
function serialization({ style, explode, contentType, type }: Parameter): string {
  if (contentType !== undefined) return `\`${contentType}\``
  const compound = type === 'array' || type === 'object'
  return compound ? `\`style: ${style}, explode: ${explode}\`` : `\`style: ${style}\``
}

interface Identified {
  readonly parameter: Parameter
  readonly identity: string
}

/** Path parameters are known by their place in the path, all others by name. */
function identified(parameters: readonly Parameter[], path: string): readonly Identified[] {
  const names = [...path.matchAll(/\{([^{}]+)\}/g)].map(([, name]) => name)
  return parameters.map((parameter) => ({
    parameter,
    identity: parameter.in === 'path' ? `path ${names.indexOf(parameter.name)}` : identityOf(parameter),
  }))
}

function identityOf({ in: place, name }: Parameter): string {
  return `${place} ${place === 'header' ? name.toLowerCase() : name}`
}

function shown({ in: place, name }: Parameter): string {
  return `${place} parameter ${name}`
}
