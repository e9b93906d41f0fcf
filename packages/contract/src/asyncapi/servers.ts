import type { ServerSecurity } from '../model/system.ts'
import { follow } from '../service/reading.ts'
import type { Reading } from '../service/reading.ts'
import { entriesAt, placeOf, textAt } from '../source/node.ts'
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

/** `protocol://host/path`; AsyncAPI 2 has a `url`, with or without the protocol. */
function addressOf(server: Node | undefined): string | undefined {
  const protocol = textAt(server, 'protocol') ?? ''
  const [url, host] = [textAt(server, 'url'), textAt(server, 'host')]
  if (url !== undefined) return url.includes('://') ? url : `${protocol}://${url}`
  return host === undefined ? undefined : `${protocol}://${host}${textAt(server, 'pathname') ?? ''}`
}
