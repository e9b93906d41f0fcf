import type { SourceLocation } from '../../model/location.ts'
import type { Comparison } from '../comparison.ts'
import { reporter } from '../comparison.ts'
import type { Subject } from '../changes.ts'
import type { HttpPair } from '../http-pair.ts'
import { httpLabel } from '../http-pair.ts'
import type { DiffRule } from '../model.ts'

/** Where a document says it is served. */
export const serverRules = {
  'server-removed': {
    area: 'operation',
    level: 'breaking',
    law: 'who goes to an address that is no longer served finds nobody',
    why: 'Callers are configured with the address. A version in its path (`/v1`) is part of it.',
    fix: 'keep the address until nobody goes there',
  },
  'server-added': {
    area: 'operation',
    level: 'minor',
    law: 'one more address offers something more',
    why: 'Nobody has to go there.',
    fix: 'nothing to do',
  },
} as const satisfies Record<string, DiffRule>

/** Of a document, or of an operation that is served elsewhere. */
export interface Served {
  readonly servers: readonly string[]
  readonly location: SourceLocation
}

export function checkServers(before: Served, after: Served, subject: Subject, comparison: Comparison): void {
  // What names no server says nothing about where it is served.
  if (before.servers.length === 0 || after.servers.length === 0) return
  compareServers(before, after, '', subject, comparison)
}

/** An operation with servers of its own is not at those of its document. Where neither side has any, nothing moved. */
export function checkOperationServers(
  pair: HttpPair,
  documents: { readonly base: readonly string[]; readonly revision: readonly string[] },
  comparison: Comparison,
): void {
  const { base, revision, subject } = pair
  if (base.servers === undefined && revision.servers === undefined) return
  // Of OpenAPI, not of Spandrel: without any it is served where the document is.
  const of = (own: readonly string[] | undefined, shared: readonly string[]): readonly string[] =>
    own ?? (shared.length > 0 ? shared : ['/'])
  const [before, after] = [of(base.servers, documents.base), of(revision.servers, documents.revision)]
  const sides = [
    { servers: before, location: base.location },
    { servers: after, location: revision.location },
  ] as const
  compareServers(...sides, ` of \`${httpLabel(revision)}\``, subject, comparison)
}

function compareServers(before: Served, after: Served, whose: string, subject: Subject, comparison: Comparison): void {
  const report = reporter(serverRules, comparison.changes, subject)
  const plain = (url: string): string => url.replace(/(?<=.)\/+$/, '')
  const [old, now] = [before.servers.map(plain), after.servers.map(plain)]
  const where = { at: after.location, base: before.location }
  for (const url of old.filter((one) => !now.includes(one))) {
    report('server-removed', {
      ...where,
      place: `server ${url}`,
      message: `\`${url}\` is no longer a server${whose}`,
      before: url,
    })
  }
  for (const url of now.filter((one) => !old.includes(one))) {
    const message = `\`${url}\` is a server${whose}, too`
    report('server-added', { ...where, place: `server ${url}`, message, after: url })
  }
}
