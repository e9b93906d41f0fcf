/**
 * What would be published: built, looked at by publint and "are the types wrong", packed, and installed into an empty
 * folder, where it is used as a stranger would.
 */
import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { tarballs } from './tarballs.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
const environment = { ...process.env, NODE_ENV: '', VITEST: '' }

interface Packed {
  name: string
  /** of the tarball */
  file: string
  bytes: number
  paths: string[]
}

/** Kilobytes each tarball may have: what a reader expects of such a package. */
const limits: Record<string, number> = {
  '@spandrel/contract': 600,
  '@spandrel/runtime': 350,
  '@spandrel/gateway': 150,
  '@spandrel/verify': 250,
  spandrel: 250,
}
const folders = ['contract', 'runtime', 'gateway', 'verify', 'cli']

let packed: Packed[]

beforeAll(async () => {
  packed = []
  for (const file of await tarballs()) {
    const { stdout } = await run('tar', ['-tzf', file], { maxBuffer: 10_000_000 })
    const { stdout: manifest } = await run('tar', ['-xzOf', file, 'package/package.json'])
    const { name } = JSON.parse(manifest) as { name: string }
    const paths = stdout.trim().split('\n')
    packed.push({
      name,
      file,
      bytes: (await stat(file)).size,
      paths: paths.map((path) => path.replace('package/', '')),
    })
  }
}, 180_000)

test('every package is built, packed, of sane size, and without tests, fixtures or sources', () => {
  expect(packed.map(({ name }) => name).toSorted((a, b) => a.localeCompare(b))).toEqual(
    Object.keys(limits).toSorted((a, b) => a.localeCompare(b)),
  )
  for (const { name, bytes, paths } of packed) {
    expect(bytes / 1024).toBeLessThan(limits[name] ?? 0)
    expect(paths.length).toBeGreaterThan(20)
    expect(
      paths.filter((path) => /(^src\/|\.test\.|fixtures\/|conformance|test-build|(?<!\.d)\.ts$)/.test(path)),
    ).toEqual([])
    expect(paths).toContain('LICENSE')
    expect(paths).toContain('README.md')
  }
})

describe.each(folders)('%s', (folder) => {
  test('publint has nothing to say', async () => {
    const { messages, pkg } = await publint({ pkgDir: join(root, 'packages', folder), strict: true })
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
  })

  test('its types are right for whoever imports ESM', async () => {
    const { name } = JSON.parse(await readFile(join(root, 'packages', folder, 'package.json'), 'utf8')) as {
      name: string
    }
    const { file = '' } = packed.find((one) => one.name === name) ?? {}
    const result = await checkPackage(createPackageFromTarballData(await readFile(file)))
    if (result.types === false) throw new Error(`${name} has no types`)
    // We publish ESM: `require` of it works on every Node we support (≥ 22.18), and older resolution is not offered.
    const problems = result.problems.filter(
      (problem) =>
        !(problem.kind === 'CJSResolvesToESM') &&
        !(
          'resolutionKind' in problem &&
          (problem.resolutionKind === 'node10' || problem.resolutionKind === 'node16-cjs')
        ),
    )
    expect(Object.keys(result.entrypoints).length).toBeGreaterThan(0)
    expect(problems).toEqual([])
  })
})

test('installed in an empty folder: the command runs, the types compile, the adapters load', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'spandrel-user-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }))
  const tarballs = packed.map(({ file }) => file)
  await run(
    'npm',
    ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', ...tarballs, 'pg@8'],
    {
      cwd: folder,
      env: environment,
      maxBuffer: 10_000_000,
    },
  )
  const samples = join(root, 'docs/samples/coffee')
  for (const file of await readdir(samples)) await copyFile(join(samples, file), join(folder, file))
  const node = process.execPath
  const spandrel = join(folder, 'node_modules/.bin/spandrel')
  const checked = await run(node, [spandrel, 'check'], { cwd: folder, env: environment })
  expect(checked.stdout).toContain('no faults in 1 service, 2 contracts')
  const generated = await run(node, [spandrel, 'generate', '--check'], { cwd: folder, env: environment })
  expect(generated.stdout).toContain('up to date')
  await writeFile(
    join(folder, 'use.mjs'),
    `const { createService, createOutbox } = await import('@spandrel/runtime')
     const { pgDatabase } = await import('@spandrel/runtime/pg')
     const adapters = ['drizzle', 'knex', 'postgres-js', 'prisma', 'typeorm']
     for (const name of adapters) await import('@spandrel/runtime/' + name)
     const { accepts } = await import('@spandrel/contract')
     console.log([createService, createOutbox, pgDatabase, accepts].map((one) => typeof one).join(' '), adapters.length)`,
  )
  const used = await run(node, ['use.mjs'], { cwd: folder, env: environment })
  expect(used.stdout.trim()).toBe('function function function function 5')
}, 300_000)
