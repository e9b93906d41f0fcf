import type { Gateway, System } from '../../model/system.ts'
import type { SecurityScheme } from '../../model/operation.ts'
import type { Comparison } from '../comparison.ts'
import { reporter } from '../comparison.ts'
import type { Subject } from '../changes.ts'
import type { DiffRule, Level } from '../model.ts'
import { withoutSecrets } from '../without-secrets.ts'
import { expressionText, samePlace } from './guarantees/guarantee-pair.ts'

/** The edge: where it is, and whom it believes. */
export const gatewayRules = {
  'gateway-removed': {
    area: 'system',
    level: 'breaking',
    law: 'who comes from outside finds nobody where the gateway was',
    why: 'It was the address of the system, and it knew the callers.',
    fix: 'keep the gateway until its callers go elsewhere',
  },
  'gateway-added': {
    area: 'system',
    level: 'minor',
    law: 'one more way in offers something more',
    why: 'Who calls a service at its own address goes on.',
    fix: 'nothing to do',
  },
  'gateway-address-changed': {
    area: 'system',
    level: 'warning',
    law: 'who is configured with the old port or host finds nobody there',
    why: 'Often something stands in front that knows both; the file does not tell.',
    fix: 'let what stands in front lead to the new address first',
  },
  'caller-identity-changed': {
    area: 'system',
    level: 'breaking',
    law: 'a caller by another name has other keys, so its retries are new requests',
    why: 'Keys with `scope: caller` are remembered by the name that the gateway gives a caller.',
    fix: 'keep the identity; change it when no retries are under way',
  },
  'key-tenant-changed': {
    area: 'system',
    level: 'breaking',
    law: 'a tenant by another name has other keys, so its retries are new requests',
    why: 'Keys with `scope: tenant` that the gateway keeps are remembered by this claim. Where no such key is kept it is a remark.',
    fix: 'keep the claim; change it when no retries are under way',
  },
  'key-database-changed': {
    area: 'system',
    level: 'warning',
    law: 'keys that one database remembers are not known to another',
    why: 'What the gateway keeps for services that keep none is there. With a new one a retry takes effect again.',
    fix: 'move the rows of the schema `spandrel_gateway` while the gateway is stopped',
  },
  'gateway-credential-removed': {
    area: 'system',
    level: 'breaking',
    law: 'a caller is refused where the gateway no longer knows what it proves itself by',
    why: '`apiKeys`, `jwt` and `trusted` are what the gateway checks credentials with. The contracts still ask for them; nobody can have one that is believed. Where no operation asks for that kind it is a remark.',
    fix: 'keep it for as long as an operation asks for it',
  },
  'gateway-credential-added': {
    area: 'system',
    level: 'minor',
    law: 'one more kind of credential is believed',
    why: 'Who proved itself in another way goes on.',
    fix: 'nothing to do',
  },
  'gateway-credential-changed': {
    area: 'system',
    level: 'warning',
    law: 'credentials that were believed may not be any more',
    why: 'Other keys in another file, or other keys of the issuer: whether the old ones are among them, the file does not tell. Another issuer or audience, another trusted header, or a proxy less refuses what was believed: then it is breaking.',
    fix: 'believe both until every caller has the new one',
  },
} as const satisfies Record<string, DiffRule>

export function checkGateway(whole: Subject, comparison: Comparison): void {
  const [base, revision] = [comparison.base.system, comparison.revision.system]
  const report = reporter(gatewayRules, comparison.changes, whole)
  const [before, after] = [base.gateway, revision.gateway]
  if (before === undefined && after === undefined) return
  if (after === undefined) {
    const where = { at: revision.location, base: before?.location, place: 'gateway' }
    return report('gateway-removed', { ...where, message: 'there is no gateway any more' })
  }
  if (before === undefined) {
    return report('gateway-added', { at: after.location, place: 'gateway', message: 'there is a gateway now' })
  }
  const where = { at: after.location, base: before.location }
  const [old, now] = [before, after].map(({ host, port, tls }) => `${tls ? 'https://' : ''}${host}:${port}`)
  if (old !== now) {
    const message = `the gateway listens at ${now} now, and did at ${old}`
    report('gateway-address-changed', { ...where, place: 'gateway listen', message, before: old, after: now })
  }
  const callers = [before, after].map(({ caller }) => caller && expressionText(caller))
  if (!samePlace(callers[0], callers[1])) {
    const said = (text: string | undefined): string => text ?? 'what the contracts’ security says'
    const message = `a caller is known by ${said(callers[1])} now, and was by ${said(callers[0])}`
    const change = { ...where, place: 'gateway caller', before: callers[0], after: callers[1] }
    report('caller-identity-changed', { ...change, message })
  }
  const tenants = [before, after].map(({ tenant }) => tenant && expressionText(tenant))
  if (tenants[0] !== undefined && !samePlace(tenants[0], tenants[1])) {
    const message = `a tenant is known by ${tenants[1] ?? 'nothing'} now, and was by ${tenants[0]}`
    const change = { ...where, place: 'gateway tenant', message, before: tenants[0], after: tenants[1] }
    report('key-tenant-changed', keepsTenants(base) ? change : { ...change, level: 'info' })
  }
  if (before.database !== undefined && after.database !== undefined && before.database.text !== after.database.text) {
    const [was, is] = [withoutSecrets(before.database.text), withoutSecrets(after.database.text)]
    const message = `the keys that the gateway keeps are in \`${is}\` now, and were in \`${was}\``
    const locations = { at: after.database.location, base: before.database.location }
    report('key-database-changed', { ...locations, place: 'gateway database', message, before: was, after: is })
  }
  for (const kind of ['apiKeys', 'jwt', 'trusted'] as const) compareProof(kind, before, after, whole, comparison)
}

/** Whether the gateway keeps a key that belongs to a tenant. */
function keepsTenants({ services }: System): boolean {
  return Object.values(services).some(
    ({ keys, operations }) =>
      keys === 'gateway' &&
      Object.values(operations).some(({ guarantees }) => {
        const { idempotency } = guarantees.values
        return typeof idempotency === 'object' && idempotency.scope === 'tenant'
      }),
  )
}

type Kind = 'apiKeys' | 'jwt' | 'trusted'

function compareProof(kind: Kind, before: Gateway, after: Gateway, whole: Subject, comparison: Comparison): void {
  const report = reporter(gatewayRules, comparison.changes, whole)
  const [old, now] = [before[kind], after[kind]]
  const where = {
    at: comparison.revision.locate(after.location, [kind]),
    base: comparison.base.locate(before.location, [kind]),
    place: `gateway ${kind}`,
    ...(old === undefined ? {} : { before: old }),
    ...(now === undefined ? {} : { after: now }),
  }
  if (old === undefined && now === undefined) return
  if (now === undefined) {
    const message = `the gateway has no \`${kind}\` any more`
    const asked = isAsked(kind, comparison.base.system)
    report('gateway-credential-removed', { ...where, message, ...(asked ? {} : { level: 'info' }) })
  } else if (old === undefined) {
    report('gateway-credential-added', { ...where, message: `the gateway has \`${kind}\` now` })
  } else {
    for (const { message, level } of differences(kind, before, after)) {
      report('gateway-credential-changed', { ...where, message, ...(level === undefined ? {} : { level }) })
    }
  }
}

interface Told {
  readonly message: string
  readonly level?: Level
}

function differences(kind: Kind, before: Gateway, after: Gateway): readonly Told[] {
  const changed = (name: string, old: string | undefined, now: string | undefined): string =>
    `\`${name}\` is ${now ?? 'not set'} now, and was ${old ?? 'not set'}`
  if (kind === 'apiKeys') {
    const [old, now] = [before.apiKeys, after.apiKeys]
    return old === now ? [] : [{ message: changed('apiKeys', old, now) }]
  }
  if (kind === 'jwt') {
    return (['jwks', 'issuer', 'audience'] as const).flatMap((member): Told[] => {
      const [old, now] = [before.jwt?.[member], after.jwt?.[member]]
      if (old === now) return []
      const message = changed(`jwt.${member}`, old, now)
      // Which keys an address holds is not known; a token of another issuer, or for somebody else, is refused.
      return [member === 'jwks' ? { message } : { message, level: now === undefined ? 'warning' : 'breaking' }]
    })
  }
  const [old, now] = [before.trusted, after.trusted]
  if (old === undefined || now === undefined) return []
  const gone = old.from.filter((one) => !now.from.includes(one))
  const come = now.from.filter((one) => !old.from.includes(one))
  const header = changed('trusted.header', old.header, now.header)
  return [
    ...(old.header.toLowerCase() === now.header.toLowerCase() ? [] : [{ message: header, level: 'breaking' } as const]),
    ...(gone.length === 0
      ? []
      : [{ message: `\`trusted.from\` no longer has ${gone.join(', ')}`, level: 'breaking' } as const]),
    ...(come.length === 0
      ? []
      : [{ message: `\`trusted.from\` has ${come.join(', ')}, too`, level: 'minor' } as const]),
  ]
}

const checkedBy: Readonly<Record<Kind, readonly SecurityScheme['type'][]>> = {
  apiKeys: ['apiKey'],
  jwt: ['http', 'oauth2', 'openIdConnect'],
  trusted: ['apiKey', 'http', 'oauth2', 'openIdConnect', 'mutualTLS'],
}

/** Whether any operation asks for a credential of this kind. */
function isAsked(kind: Kind, system: System): boolean {
  return Object.values(system.services).some(({ operations }) =>
    Object.values(operations).some(({ security }) =>
      security.some(({ schemes }) => schemes.some(({ scheme }) => checkedBy[kind].includes(scheme.type))),
    ),
  )
}
