/** Another revision of this repository, set up to run beside this one. */
import { execFile } from 'node:child_process'
import { mkdir, readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runGroup } from 'spandrel/embedded'

const HERE = fileURLToPath(new URL('../../../../', import.meta.url))
const run = promisify(execFile)

export interface OtherRelease {
  /** as it was asked for */
  readonly revision: string
  /** the folder of its shop */
  readonly shop: string
  /** Writes the ledger's contract as that release generates it. Resolves with the file. */
  writeLedgerContract(env: Readonly<Record<string, string>>): Promise<string>
}

/** A revision that cannot be had: printed without a stack. */
export class NoSuchRelease extends Error {}

/**
 * Unpacks a revision into an empty folder. It runs its own code, all of it, on the dependencies that are installed here.
 * Rejects with `NoSuchRelease` where this is no clone that has the revision.
 */
export async function unpackRelease(revision: string, folder: string): Promise<OtherRelease> {
  const commit = await run('git', [
    '-C',
    HERE,
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${revision}^{commit}`,
  ]).catch((error: unknown) => {
    throw new NoSuchRelease(
      `--beside ${revision}: there is no such revision here; a clone that is not whole gets it with: git fetch --unshallow`,
      { cause: error },
    )
  })
  const root = join(folder, 'release')
  const archive = join(folder, 'release.tar')
  await mkdir(root, { recursive: true })
  await run('git', ['-C', HERE, 'archive', '--output', archive, commit.stdout.trim()])
  await run('tar', ['-xf', archive, '-C', root])
  await linkDependencies(root)
  const shop = join(root, 'examples/shop')
  return {
    revision,
    shop,
    async writeLedgerContract(env) {
      const module = JSON.stringify(join(shop, 'src/road/ledger-contract.ts'))
      const script = `await (await import(${module})).writeLedgerContract(${JSON.stringify(folder)}, process.env)`
      await runGroup(process.execPath, ['--conditions=spandrel-source', '--input-type=module', '-e', script], {
        env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
      })
      return join(folder, 'ledger.contract.mts')
    },
  }
}

/** What is installed here, but for the packages of this repository: those are the revision's own. */
async function linkDependencies(root: string): Promise<void> {
  const modules = join(root, 'node_modules')
  await mkdir(join(modules, '@spandrel'), { recursive: true })
  const packages = await readdir(join(root, 'packages'))
  const own = packages.map((name): [string, string] => [
    name === 'cli' ? 'spandrel' : `@spandrel/${name}`,
    join(root, 'packages', name),
  ])
  const installed = (await readdir(join(HERE, 'node_modules')))
    .filter((name) => name !== '@spandrel' && name !== 'spandrel' && name !== '.package-lock.json')
    .map((name): [string, string] => [name, join(HERE, 'node_modules', name)])
  await Promise.all([...own, ...installed].map(([name, target]) => symlink(target, join(modules, name))))
  // Versions that only one package has.
  await Promise.all(
    packages.map((name) =>
      symlink(join(HERE, 'packages', name, 'node_modules'), join(root, 'packages', name, 'node_modules')),
    ),
  )
}
