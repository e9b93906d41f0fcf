/**
 * Builds what is published: `dist` of every package, ESM with declarations, in the order of imports. What is no
 * TypeScript (SQL, plain JavaScript, JSON) is copied beside, and the licence with each. `--pack FOLDER` packs them, too.
 */
import { spawnSync } from 'node:child_process'
import { chmod, copyFile, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(fileURLToPath(import.meta.url))
const packages = ['contract', 'runtime', 'gateway', 'verify', 'cli']
const assets = new Set(['.sql', '.mjs', '.json'])
const packInto = process.argv[2] === '--pack' ? resolve(root, process.argv[3] ?? 'tarballs') : undefined
const compiler = createRequire(import.meta.url).resolve('typescript/package.json')

for (const name of packages) {
  const folder = join(root, 'packages', name)
  await rm(join(folder, 'dist'), { recursive: true, force: true })
  const { status } = spawnSync(
    process.execPath,
    [join(dirname(compiler), 'bin/tsc'), '-p', join(folder, 'tsconfig.build.json')],
    {
      stdio: 'inherit',
    },
  )
  if (status !== 0) process.exit(1)
  await copyAssets(join(folder, 'src'), join(folder, 'dist'))
  await copyFile(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  await checkEntries(folder)
}
if (packInto !== undefined) {
  await rm(packInto, { recursive: true, force: true })
  await mkdir(packInto, { recursive: true })
  for (const name of packages) pack(join(root, 'packages', name), packInto)
}

function pack(folder: string, into: string): void {
  const { status } = spawnSync('npm', ['pack', '--silent', '--pack-destination', into], {
    cwd: folder,
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(1)
}

async function copyAssets(from: string, to: string): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory() && entry.name !== 'fixtures') await copyAssets(source, target)
    else if (assets.has(extname(entry.name))) {
      await mkdir(to, { recursive: true })
      await copyFile(source, target)
    }
  }
}

/** Everything package.json promises must be there; the programs must be executable. */
async function checkEntries(folder: string): Promise<void> {
  const { exports = {}, bin = {} } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    exports?: Record<string, string | Record<string, string>>
    bin?: Record<string, string>
  }
  const entries = Object.values(exports).flatMap((entry) =>
    typeof entry === 'string' ? (entry.includes('*') ? [] : [entry]) : [entry['types'] ?? '', entry['default'] ?? ''],
  )
  for (const entry of [...entries, ...Object.values(bin)]) {
    await readFile(join(folder, entry)).catch(() => {
      console.error(`${join(folder, 'package.json')} promises ${entry}, which was not built`)
      process.exit(1)
    })
  }
  for (const program of Object.values(bin)) await chmod(join(folder, program), 0o755)
}
