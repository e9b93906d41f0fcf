import { didYouMean } from '../findings/nearest.ts'
import type { Findings } from '../findings/findings.ts'
import { entriesAt, entriesOf, field, listAt, text, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import { templateNames } from './read-parameters.ts'

/** What the structure of an OpenAPI 3 document does not show: names that stand twice, and variables of servers. */
export function checkNamesAndServers(root: Node, version: number, findings: Findings): void {
  tags(root, findings)
  const items = entriesAt(root, 'paths').map(([, { value }]) => value)
  const operations = items.flatMap((item) => entriesOf(item).map(([, { value }]) => value))
  for (const owner of [root, ...items, ...operations]) {
    for (const server of listAt(owner, 'servers')) variables(server, version, findings)
  }
}

/** "Each tag name in the list MUST be unique" (OpenAPI Object). */
function tags(root: Node, findings: Findings): void {
  const seen = new Map<string, number>()
  for (const tag of listAt(root, 'tags')) {
    const at = field(tag, 'name')
    const name = text(at)
    if (at === undefined || name === undefined) continue
    const line = seen.get(name)
    if (line === undefined) seen.set(name, at.at.line)
    else
      findings.error(at.at, 'duplicate-name', `the tag \`${name}\` exists already (line ${line})`, 'remove one of them')
  }
}

/** Each variable of a URL is described (Server Object), and its default is one of its values (Server Variable Object). */
function variables(server: Node, version: number, findings: Findings): void {
  const url = field(server, 'url')
  const declared = entriesAt(server, 'variables')
  const names = declared.map(([name]) => name)
  for (const name of url === undefined ? [] : templateNames(text(url) ?? '')) {
    if (names.includes(name)) continue
    const hint = didYouMean(name, names, `describe it: \`variables: { ${name}: { default: … } }\``)
    findings.error(
      url?.at ?? server.at,
      'undeclared-server-variable',
      `there is no variable \`${name}\` of this server`,
      hint,
    )
  }
  for (const [name, { value }] of declared) {
    const values = listAt(value, 'enum').map(text)
    const standard = textAt(value, 'default')
    const at = field(value, 'default')
    if (at === undefined || standard === undefined || values.length === 0 || values.includes(standard)) continue
    const message = `the default \`${standard}\` of \`${name}\` is not one of its values: ${values.join(', ')}`
    // 3.0 only wishes it.
    findings[version >= 3.1 ? 'error' : 'warning'](
      at.at,
      'unknown-value',
      message,
      `use one of them, or add \`${standard}\``,
    )
  }
}
