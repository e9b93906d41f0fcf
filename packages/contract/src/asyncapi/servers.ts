import type { ServerSecurity } from '../model/system.ts'
import { follow } from '../service/reading.ts'
import type { Reading } from '../service/reading.ts'
import { entriesAt, field, listAt, placeOf, text, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import { readAsyncSecurity } from './security.ts'

/** The servers of an AsyncAPI document, and what each asks for. One whose parts are variables is one by its text. */
export function readServers(root: Node, reading: Reading): readonly ServerSecurity[] {
  return entriesAt(root, 'servers').flatMap(([, { value }]) => {
    const node = follow(value, reading)
    const server = addressOf(node)
    if (node === undefined || server === undefined) return []
    return [{ server, security: readAsyncSecurity(node, root, reading), location: placeOf(value) }]
  })
}

/** The servers that a channel names: references, or in AsyncAPI 2 names, of which the document keeps the servers. */
export function readChannelServers(channel: Node, reading: Reading): readonly string[] | undefined {
  const listed = listAt(channel, 'servers')
  if (listed.length === 0) return undefined
  const root = reading.sources.open(channel.at.file, channel.at)
  return listed.flatMap((item) => {
    const name = text(item)
    const node = name === undefined ? item : field(field(root, 'servers'), name)
    return addressOf(follow(node, reading)) ?? []
  })
}

/** `protocol://host/path`; AsyncAPI 2 has a `url`, with or without the protocol. */
function addressOf(server: Node | undefined): string | undefined {
  const protocol = textAt(server, 'protocol') ?? ''
  const [url, host] = [textAt(server, 'url'), textAt(server, 'host')]
  if (url !== undefined) return url.includes('://') ? url : `${protocol}://${url}`
  return host === undefined ? undefined : `${protocol}://${host}${textAt(server, 'pathname') ?? ''}`
}
