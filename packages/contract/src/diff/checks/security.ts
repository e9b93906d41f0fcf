import type { SecurityAlternative, SecurityScheme } from '../../model/operation.ts'
import type { Comparison } from '../comparison.ts'
import { reporter } from '../comparison.ts'
import type { HttpPair } from '../http-pair.ts'
import type { DiffRule } from '../model.ts'

/** What a caller has to prove. */
export const securityRules = {
  'security-added': {
    area: 'security',
    level: 'breaking',
    law: 'an anonymous caller is refused where a credential became necessary',
    why: 'It had none to send.',
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
    why: 'The name of a scheme says nothing on the wire; its type, place and parameter do.',
    fix: 'add a scheme beside the old one, and keep both as alternatives for a while',
  },
} as const satisfies Record<string, DiffRule>

export function checkSecurity(pair: HttpPair, comparison: Comparison): void {
  if (pair.role === 'calls') return
  const report = reporter(securityRules, comparison.changes, pair.subject)
  const { base, revision } = pair
  const where = { at: revision.location, base: base.location, place: 'security' }
  const open = [isOpen(base.security), isOpen(revision.security)]
  if (open[0] && !open[1]) {
    const ways = revision.security.map(nameOf).join(' or ')
    report('security-added', { ...where, message: `a caller needs a credential now: ${ways}`, after: ways })
    return
  }
  if (!open[0] && open[1]) {
    const ways = base.security.map(nameOf).join(' or ')
    report('security-removed', {
      ...where,
      message: `anybody may call it now; before, a caller needed ${ways}`,
      before: ways,
    })
    return
  }
  const kept = new Set<SecurityAlternative>()
  for (const alternative of named(base.security)) {
    const same = revision.security.find((one) => nameOf(one) === nameOf(alternative))
    if (same === undefined) {
      const fewer = revision.security.find((one) => one.schemes.every(({ scheme }) => has(alternative, scheme)))
      if (fewer !== undefined) continue
      report('security-alternative-removed', {
        ...where,
        message: `\`${nameOf(alternative)}\` is no longer enough to call it`,
        before: nameOf(alternative),
      })
      continue
    }
    kept.add(same)
    compareAlternative(alternative, same, pair, comparison)
  }
  for (const alternative of named(revision.security)) {
    if (kept.has(alternative) || open[0]) continue
    report('security-alternative-added', {
      ...where,
      message: `\`${nameOf(alternative)}\` is enough to call it, too`,
      after: nameOf(alternative),
    })
  }
}

function compareAlternative(
  before: SecurityAlternative,
  after: SecurityAlternative,
  pair: HttpPair,
  comparison: Comparison,
): void {
  const report = reporter(securityRules, comparison.changes, pair.subject)
  const where = { at: pair.revision.location, base: pair.base.location }
  for (const { scheme, scopes } of after.schemes) {
    const old = before.schemes.find((one) => one.scheme.name === scheme.name)
    if (old === undefined) continue
    const place = `security ${scheme.name}`
    const [was, is] = [formOf(old.scheme), formOf(scheme)]
    if (was !== is) {
      report('security-scheme-changed', {
        at: scheme.location,
        base: old.scheme.location,
        place,
        message: `\`${scheme.name}\` is ${is} now, and was ${was}`,
        // Once for a scheme, not once for each of its operations.
        keyword: 'scheme',
        before: was,
        after: is,
      })
    }
    for (const scope of scopes.filter((one) => !old.scopes.includes(one))) {
      report('security-scope-added', {
        ...where,
        place,
        message: `a token needs the scope \`${scope}\` now`,
        after: scope,
      })
    }
    for (const scope of old.scopes.filter((one) => !scopes.includes(one))) {
      report('security-scope-removed', {
        ...where,
        place,
        message: `a token no longer needs the scope \`${scope}\``,
        before: scope,
      })
    }
  }
}

/** No requirement at all, or an empty alternative: "or none". */
function isOpen(security: readonly SecurityAlternative[]): boolean {
  return security.length === 0 || security.some(({ schemes }) => schemes.length === 0)
}

function named(security: readonly SecurityAlternative[]): readonly SecurityAlternative[] {
  return security.filter(({ schemes }) => schemes.length > 0)
}

function nameOf({ schemes }: SecurityAlternative): string {
  const names = schemes.map(({ scheme }) => scheme.name).sort()
  return names.length === 0 ? 'nothing' : names.join(' + ')
}

function has({ schemes }: SecurityAlternative, scheme: SecurityScheme): boolean {
  return schemes.some((one) => one.scheme.name === scheme.name)
}

function formOf({ type, in: place, parameter, scheme, openIdConnectUrl }: SecurityScheme): string {
  if (type === 'apiKey') return `an API key in the ${place} \`${parameter}\``
  if (type === 'http') return `HTTP ${scheme}`
  return openIdConnectUrl === undefined ? type : `${type} at ${openIdConnectUrl}`
}
