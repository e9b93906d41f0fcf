import type { ContractDocument } from '../../model/system.ts'
import type { Comparison } from '../comparison.ts'
import { reporter } from '../comparison.ts'
import type { Subject } from '../changes.ts'
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

export function checkServers(
  before: ContractDocument,
  after: ContractDocument,
  subject: Subject,
  comparison: Comparison,
): void {
  // A document that names no server says nothing about where it is served.
  if (before.servers.length === 0 || after.servers.length === 0) return
  const report = reporter(serverRules, comparison.changes, subject)
  const plain = (url: string): string => url.replace(/\/+$/, '')
  const [old, now] = [before.servers.map(plain), after.servers.map(plain)]
  const where = { at: after.location, base: before.location }
  for (const url of old.filter((one) => !now.includes(one))) {
    report('server-removed', {
      ...where,
      place: `server ${url}`,
      message: `\`${url}\` is no longer a server`,
      before: url,
    })
  }
  for (const url of now.filter((one) => !old.includes(one))) {
    report('server-added', { ...where, place: `server ${url}`, message: `\`${url}\` is a server, too`, after: url })
  }
}
