import type { ContractDocument, Service } from '../../../model/system.ts'
import type { ServiceComparison } from '../../comparison.ts'
import { reporter } from '../../comparison.ts'
import type { DiffRule } from '../../model.ts'
import type { AsyncOperation, AsyncPair } from './async-pair.ts'

export const channelServerRules = {
  'channel-server-removed': {
    area: 'message',
    level: 'breaking',
    law: 'who is connected to a server that no longer has the channel sends and waits there in vain',
    why: 'The server goes on, and so does the address. Only the messages are on another server.',
    fix: 'keep the channel on both servers until the other side has moved',
  },
  'channel-server-added': {
    area: 'message',
    level: 'minor',
    law: 'a channel on one more server offers something more',
    why: 'Who is connected to another server goes on.',
    fix: 'nothing to do',
  },
} as const satisfies Record<string, DiffRule>

/** Of the servers that both versions have; a server that comes or goes is told once, for the document. */
export function checkChannelServers(pair: AsyncPair, comparison: ServiceComparison): void {
  const { base, revision, service } = pair
  const [all, stillAll] = [serversOf(base, service.base), serversOf(revision, service.revision)]
  const [before, after] = [base.servers ?? all, revision.servers ?? stillAll]
  const report = reporter(channelServerRules, comparison.changes, pair.subject)
  const where = { at: revision.location, base: base.location }
  for (const server of before.filter((one) => stillAll.includes(one) && !after.includes(one))) {
    const message = `the channel is no longer on the server \`${server}\``
    report('channel-server-removed', { ...where, place: `channel server ${server}`, message, before: server })
  }
  for (const server of after.filter((one) => all.includes(one) && !before.includes(one))) {
    const message = `the channel is on the server \`${server}\`, too`
    report('channel-server-added', { ...where, place: `channel server ${server}`, message, after: server })
  }
}

function serversOf({ location }: AsyncOperation, { documents }: Service): readonly string[] {
  const own = (one: ContractDocument): boolean => one.file === location.file
  return (documents.find(own) ?? documents.find(({ kind }) => kind === 'asyncapi'))?.servers ?? []
}
