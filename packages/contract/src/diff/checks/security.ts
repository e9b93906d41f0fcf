import type { SourceLocation } from '../../model/location.ts'
import type { AsyncSecurityAlternative, AsyncSecurityScheme } from '../../model/message.ts'
import { optional } from '../../model/optional.ts'
import type { Subject } from '../changes.ts'
import type { Comparison } from '../comparison.ts'
import { reporter } from '../comparison.ts'
import type { Consumer, DiffRule } from '../model.ts'

/** What a caller has to prove. */
export const securityRules = {
  'security-added': {
    area: 'security',
    level: 'breaking',
    law: 'an anonymous caller is refused where a credential became necessary',
    why: 'It had none to send. AsyncAPI says it of servers and of operations: there, whoever connects is asked.',
    fix: 'let callers get a credential first; `security: [{}, …]` makes it optional meanwhile',
  },
  'security-removed': {
    area: 'security',
    level: 'warning',
    law: 'what anybody may call now was protected before',
    why: 'No caller breaks. Whether it was meant is for a person to say.',
    fix: 'make sure that it was meant; otherwise put `security` back',
  },
  'security-alternative-removed': {
    area: 'security',
    level: 'breaking',
    law: 'a caller that proves itself in a way that is no longer accepted is refused',
    why: 'Callers chose one of the alternatives. Asking for one more scheme beside it has the same effect.',
    fix: 'keep the alternative until its callers have moved',
  },
  'security-alternative-added': {
    area: 'security',
    level: 'minor',
    law: 'one more way to prove oneself offers something more',
    why: 'Nobody has to use it.',
    fix: 'nothing to do',
  },
  'security-scope-added': {
    area: 'security',
    level: 'breaking',
    law: 'a token without a scope that became necessary is refused',
    why: 'Tokens are issued with the scopes that were asked for before.',
    fix: 'let the old scopes suffice until tokens with the new ones are everywhere',
  },
  'security-scope-removed': {
    area: 'security',
    level: 'minor',
    law: 'a token needs less than before',
    why: 'Every token that was enough still is.',
    fix: 'nothing to do',
  },
  'security-scheme-changed': {
    area: 'security',
    level: 'breaking',
    law: 'a credential is looked for in another place or form than the one callers send',
    why: 'The name of a scheme says nothing on the wire; its type, place and parameter do, and for OAuth 2 where a token is got.',
    fix: 'add a scheme beside the old one, and keep both as alternatives for a while',
  },
} as const satisfies Record<string, DiffRule>

/** How somebody proves who it is: OpenAPI's and AsyncAPI's schemes say it in the same words. */
type Alternative = AsyncSecurityAlternative

type Credential = AsyncSecurityScheme

export interface SecuritySides {
  readonly base: readonly Alternative[]
  readonly revision: readonly Alternative[]
  readonly at: SourceLocation
  readonly baseAt: SourceLocation
  readonly subject: Subject
  /** `security`, or which server's */
  readonly place: string
  /** who proves itself, and what for: `a caller`, `call it` */
  readonly who: string
  readonly act: string
  readonly consumers?: readonly Consumer[]
}

export function checkSecurity(sides: SecuritySides, comparison: Comparison): void {
  const { base, revision, who, act } = sides
  const report = reporter(securityRules, comparison.changes, sides.subject)
  const where = { at: sides.at, base: sides.baseAt, place: sides.place, ...optional('consumers', sides.consumers) }
  const open = [isOpen(base), isOpen(revision)]
  if (open[0] && !open[1]) {
    const ways = revision.map(nameOf).join(' or ')
    report('security-added', { ...where, message: `${who} needs a credential now: ${ways}`, after: ways })
    return
  }
  if (!open[0] && open[1]) {
    const ways = base.map(nameOf).join(' or ')
    const message = `anybody may ${act} now; before, ${who} needed ${ways}`
    report('security-removed', { ...where, message, before: ways })
    return
  }
  const kept = new Set<Alternative>()
  for (const alternative of named(base)) {
    const same = twinOf(alternative, revision, base)
    if (same === undefined) {
      const fewer = revision.find((one) => one.schemes.every(({ scheme }) => has(alternative, scheme)))
      if (fewer !== undefined) continue
      const message = `\`${nameOf(alternative)}\` is no longer enough to ${act}`
      report('security-alternative-removed', { ...where, message, before: nameOf(alternative) })
      continue
    }
    kept.add(same)
    compareAlternative(alternative, same, sides, comparison)
  }
  for (const alternative of named(revision)) {
    if (kept.has(alternative) || open[0]) continue
    const message = `\`${nameOf(alternative)}\` is enough to ${act}, too`
    report('security-alternative-added', { ...where, message, after: nameOf(alternative) })
  }
}

/** The same by its names; else by what is on the wire, where the schemes only have other names. */
function twinOf(
  alternative: Alternative,
  revision: readonly Alternative[],
  base: readonly Alternative[],
): Alternative | undefined {
  const wire = ({ schemes }: Alternative): string => JSON.stringify(schemes.map(({ scheme }) => formOf(scheme)).sort())
  return (
    revision.find((one) => nameOf(one) === nameOf(alternative)) ??
    revision.find((one) => wire(one) === wire(alternative) && !base.some((other) => nameOf(other) === nameOf(one)))
  )
}

function compareAlternative(
  before: Alternative,
  after: Alternative,
  sides: SecuritySides,
  comparison: Comparison,
): void {
  const report = reporter(securityRules, comparison.changes, sides.subject)
  for (const { scheme, scopes } of after.schemes) {
    const old =
      before.schemes.find((one) => one.scheme.name === scheme.name) ??
      before.schemes.find(({ scheme: one }) => formOf(one) === formOf(scheme))
    if (old === undefined) continue
    const consumers = optional('consumers', sides.consumers)
    const where = { at: sides.at, base: sides.baseAt, place: `${sides.place} ${scheme.name}`, ...consumers }
    // Once for a scheme, not once for each of its operations.
    const once = { ...where, at: scheme.location, base: old.scheme.location, keyword: 'scheme' }
    const [was, is] = [formOf(old.scheme), formOf(scheme)]
    if (was !== is) {
      const message = `\`${scheme.name}\` is ${is} now, and was ${was}`
      report('security-scheme-changed', { ...once, message, before: was, after: is })
    }
    const [flows, oldFlows] = [scheme.flows ?? [], old.scheme.flows ?? []]
    for (const flow of oldFlows.filter((one) => !flows.includes(one))) {
      const message = `a token of \`${scheme.name}\` is no longer to be had by ${flow}`
      report('security-scheme-changed', { ...once, message, before: flow })
    }
    for (const flow of flows.filter((one) => !oldFlows.includes(one))) {
      const message = `a token of \`${scheme.name}\` is to be had by ${flow}, too`
      report('security-alternative-added', { ...once, message, after: flow })
    }
    for (const scope of scopes.filter((one) => !old.scopes.includes(one))) {
      report('security-scope-added', { ...where, message: `a token needs the scope \`${scope}\` now`, after: scope })
    }
    for (const scope of old.scopes.filter((one) => !scopes.includes(one))) {
      const message = `a token no longer needs the scope \`${scope}\``
      report('security-scope-removed', { ...where, message, before: scope })
    }
  }
}

/** No requirement at all, or an empty alternative: "or none". */
function isOpen(security: readonly Alternative[]): boolean {
  return security.length === 0 || security.some(({ schemes }) => schemes.length === 0)
}

function named(security: readonly Alternative[]): readonly Alternative[] {
  return security.filter(({ schemes }) => schemes.length > 0)
}

function nameOf({ schemes }: Alternative): string {
  const names = schemes.map(({ scheme }) => scheme.name).sort()
  return names.length === 0 ? 'nothing' : names.join(' + ')
}

function has({ schemes }: Alternative, scheme: Credential): boolean {
  return schemes.some((one) => one.scheme.name === scheme.name)
}

function formOf({ name, type, in: place, parameter, scheme, openIdConnectUrl }: Credential): string {
  if (type === 'apiKey' || type === 'httpApiKey') {
    return parameter === undefined ? `an API key as the ${place}` : `an API key in the ${place} \`${parameter}\``
  }
  if (type === 'http') return `HTTP ${scheme}`
  return openIdConnectUrl === undefined ? (type ?? name) : `${type} at ${openIdConnectUrl}`
}
