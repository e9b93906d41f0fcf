import { field, listAt, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'

/** The URLs under `servers` of a document, a path item or an operation, as written; undefined where there are none. */
export function serverUrls(owner: Node): readonly string[] | undefined {
  if (field(owner, 'servers') === undefined) return undefined
  const urls = listAt(owner, 'servers').flatMap((server) => textAt(server, 'url') ?? [])
  return urls.length === 0 ? undefined : urls
}
