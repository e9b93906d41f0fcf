/** A repository of git with the shop in it, and a branch that changes its contracts: what a reviewer would be asked. */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const shop = fileURLToPath(new URL('../../../examples/shop', import.meta.url))

export interface PullRequest {
  /** absolute path of the work tree; `main` is the base, the changes are not committed */
  folder: string
  close(): Promise<void>
}

/** file → what is replaced in it by what */
const changes: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'orders/contracts/orders.openapi.yaml': [
    ['retention: P7D', 'retention: P1D'],
    ['version: 1.0.0', 'version: 1.1.0'],
  ],
  'payments/contracts/payments.asyncapi.yaml': [
    ['reference, total, currency, postcode', 'reference, currency, postcode'],
    ['reference, total, currency, cardToken', 'reference, currency, cardToken'],
    ['version: 1.0.0', 'version: 1.1.0'],
  ],
  'payments/contracts/payments.openapi.yaml': [
    [
      '          schema: { type: integer, minimum: 1 }\n',
      '          schema: { type: integer, minimum: 1 }\n        - name: currency\n          in: query\n          schema: { type: string }\n',
    ],
  ],
}

export async function pullRequest(): Promise<PullRequest> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'spandrel-pull-request-')))
  const git = (...args: string[]) =>
    run('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'init.defaultBranch=main', ...args], {
      cwd: folder,
    })
  await cp(shop, folder, {
    recursive: true,
    filter: (path) => !/node_modules|\.spandrel/.test(path.slice(shop.length)),
  })
  await git('init', '--quiet')
  await git('add', '.')
  await git('commit', '--quiet', '--message', 'The shop')
  for (const [name, edits] of Object.entries(changes)) {
    const file = join(folder, name)
    let text = await readFile(file, 'utf8')
    for (const [before, after] of edits) {
      if (!text.includes(before)) throw new Error(`${name} has no ${before}`)
      text = text.replace(before, after)
    }
    await writeFile(file, text)
  }
  return { folder, close: () => rm(folder, { recursive: true, force: true }) }
}
