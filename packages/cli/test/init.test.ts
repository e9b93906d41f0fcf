import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { writeFiles } from '../src/init/write-files.ts'
import { type Ran, spandrel } from './spandrel.ts'

// Every command is a process; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000 })

const root = await realpath(await mkdtemp(join(tmpdir(), 'spandrel-init-')))
afterAll(() => rm(root, { recursive: true, force: true }))
const ordersDocument = await readFile(
  fileURLToPath(new URL('../../../docs/samples/adopting/api/orders.openapi.yaml', import.meta.url)),
  'utf8',
)
const eventsDocument = await readFile(new URL('fixtures/pair/back/back.asyncapi.yaml', import.meta.url), 'utf8')
let folder: string
let number = 0

beforeEach(async () => {
  folder = join(root, `repository-${++number}`)
  await mkdir(folder)
})

function run(...args: string[]): Promise<Ran> {
  return spandrel(args, { cwd: folder })
}

async function have(files: Readonly<Record<string, string | object>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, dirname(name)), { recursive: true })
    await writeFile(join(folder, name), typeof text === 'string' ? text : JSON.stringify(text))
  }
}

async function files(): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name).slice(folder.length + 1))
    .sort()
}

/** What was written passes `check`: errors would be told with 1, and nothing to check with 2. */
async function passesCheck(): Promise<void> {
  const { stdout } = await run('check', '--json')
  const { errors, checked } = JSON.parse(stdout) as {
    errors: number
    checked: { operations: number; messages: number }
  }
  expect(errors).toBe(0)
  expect(checked.operations + checked.messages).toBeGreaterThan(0)
}

function system(): Promise<string> {
  return readFile(join(folder, 'spandrel.yaml'), 'utf8')
}

test('an empty folder: four files, and the commands to run them', async () => {
  const { code, stdout, stderr } = await run('init')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(await files()).toEqual(['main.ts', 'notes.openapi.yaml', 'package.json', 'spandrel.yaml'])
  expect(await system()).toMatch(/^# yaml-language-server: \$schema=https:\/\/\S+spandrel\.schema\.json\nversion: 1\n/)
  expect(stdout).toMatch(/Next:\n {2}npm install\n {2}npx spandrel check .*\n {2}npx spandrel dev .*\n {2}curl -X POST/)
  expect((await run('check')).code).toBe(0)
  await passesCheck()
})

test('names: letters beyond ASCII keep their sound, and no service is called gateway', async () => {
  await have({
    'größe.openapi.yaml': ordersDocument,
    'gateway/openapi.yaml': ordersDocument.replaceAll('Order', 'Edge'),
  })
  const { code } = await run('init', '--name', 'Ünder Café')
  expect(code).toBe(0)
  expect(await system()).toMatch(/^system: under-cafe$/m)
  expect(await system()).toMatch(/^ {2}grosse:$/m)
  expect(await system()).toMatch(/^ {2}gateway-service:$/m)
})

test('a folder with a blank: the next command can be typed as it is', async () => {
  await have({ 'my orders/orders.openapi.yaml': ordersDocument })
  const { stdout } = await run('init', 'my orders')
  expect(stdout).toContain("\n  cd 'my orders'\n")
})

test('an existing Express service: one file, its own start script, its port', async () => {
  await have({
    'package.json': { name: '@acme/shop', scripts: { start: 'node server.js' } },
    'api/orders.openapi.yaml': ordersDocument.replace('paths:', 'servers: [{ url: http://localhost:3000 }]\npaths:'),
    'node_modules/x/openapi.yaml': ordersDocument,
    'test/fixtures/openapi.yaml': ordersDocument,
  })
  const before = await files()
  const { code, stdout } = await run('init')
  expect(code).toBe(0)
  expect(await files()).toEqual([...before, 'spandrel.yaml'].sort())
  expect(await system()).toContain(`system: shop
services:
  orders:
    # owner: the team that answers for it
    contracts: [api/orders.openapi.yaml]
    url: \${ORDERS_URL:-http://127.0.0.1:3000}
    dev: npm run --silent start
`)
  expect(stdout).toContain('Passed over as tests, copies or build output: test/fixtures/openapi.yaml\n')
  await passesCheck()
})

test('several services: each by its folder or file, with a port and a command of its own', async () => {
  await have({
    'package.json': { name: 'shop', workspaces: ['services/*'] },
    'services/orders/openapi.yaml': ordersDocument,
    'services/orders/package.json': {
      name: '@shop/orders',
      scripts: { dev: 'node --watch main.js', start: 'node main.js' },
    },
    'services/billing/src/openapi.json': JSON.stringify({
      openapi: '3.0.3',
      info: { title: 'Billing', version: '1.0.0' },
      paths: { '/invoices': { get: { operationId: 'listInvoices', responses: { 200: { description: 'all' } } } } },
    }),
    'services/billing/go.mod': 'module billing\n',
    'services/billing/main.go': 'package main\n',
    'contracts/back.asyncapi.yaml': eventsDocument,
    'contracts/legacy.swagger.yaml':
      'swagger: "2.0"\ninfo: { title: Legacy, version: 1.0.0 }\npaths:\n  /old:\n    get: { operationId: old, responses: { 200: { description: it } } }\n',
  })
  const { code, stdout } = await run('init', '--json')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    system: 'shop',
    services: [
      { name: 'back', contracts: ['contracts/back.asyncapi.yaml'] },
      { name: 'legacy', contracts: ['contracts/legacy.swagger.yaml'] },
      { name: 'billing', contracts: ['services/billing/src/openapi.json'] },
      { name: 'orders', contracts: ['services/orders/openapi.yaml'] },
    ],
    written: ['spandrel.yaml'],
    leftOut: [],
    next: ['npx spandrel check', 'npx spandrel dev'],
  })
  const text = await system()
  expect(text).toContain('dev: npm --prefix services/orders run --silent dev\n')
  expect(text).toContain('dev: cd services/billing && exec go run .\n')
  expect([...text.matchAll(/127\.0\.0\.1:(\d+)\}$/gm)].map(([, port]) => port)).toEqual([
    '7001',
    '7002',
    '7003',
    '7004',
  ])
  await passesCheck()
})

test('a Python service with openapi.json', async () => {
  await have({
    'requirements.txt': 'flask\n',
    'app.py': 'print("x")\nif __name__ == "__main__":\n    pass\n',
    'openapi.json': JSON.stringify({
      openapi: '3.1.0',
      info: { title: 'Greetings', version: '1.0.0' },
      paths: { '/hello': { get: { operationId: 'hello', responses: { 200: { description: 'it' } } } } },
    }),
  })
  expect((await run('init', '--name', 'greetings')).code).toBe(0)
  expect(await files()).toEqual(['app.py', 'openapi.json', 'requirements.txt', 'spandrel.yaml'])
  expect(await system()).toContain('  greetings:\n')
  expect(await system()).toContain('dev: python3 app.py\n')
  await passesCheck()
})

test('a Python service without a document: a contract to begin with, and no program of ours', async () => {
  await have({ 'pyproject.toml': '', 'main.py': 'from fastapi import FastAPI\napp = FastAPI()\n' })
  expect((await run('init', '--name', 'greetings')).code).toBe(0)
  expect(await files()).toEqual(['api/greetings.openapi.yaml', 'main.py', 'pyproject.toml', 'spandrel.yaml'])
  expect(await system()).toContain('dev: uvicorn main:app --port $PORT\n')
  await passesCheck()
})

test('AsyncAPI only: its outbox stands where the environment says its database is; the password is not written', async () => {
  await have({
    'asyncapi.yaml': eventsDocument,
    '.env': 'PORT=1\nPG_URL="postgres://me:secret@db/back"\n',
    'package.json': { name: 'back', scripts: { dev: 'spandrel dev' } },
  })
  const { code, stdout } = await run('init')
  expect(code).toBe(0)
  const text = await system()
  expect(text).toContain('database: ${PG_URL}')
  expect(text).not.toContain('secret')
  // A script that runs `spandrel dev` would start itself.
  expect(text).toContain('# dev: the command')
  expect(stdout).toContain('once spandrel.yaml says with `dev`')
  await passesCheck()
})

test('JavaScript without contracts: a service in a folder of its own, as a module', async () => {
  await have({ 'package.json': { name: 'web', type: 'commonjs', dependencies: { pg: '8' } }, 'index.js': '' })
  const { code, stdout } = await run('init')
  expect(code).toBe(0)
  expect(await files()).toEqual([
    'index.js',
    'notes/main.ts',
    'notes/notes.openapi.yaml',
    'notes/package.json',
    'package.json',
    'spandrel.yaml',
  ])
  expect(stdout).toContain('npm install @spandrel/runtime ')
  expect(stdout).toContain('npm install --save-dev spandrel\n')
  await passesCheck()
})

test('what is there stays as it is: a spandrel.yaml, and what it does not name', async () => {
  await have({ 'api/orders.openapi.yaml': ordersDocument })
  await run('init')
  await have({ 'events/back.asyncapi.yaml': eventsDocument })
  const before = await system()
  const { code, stdout, stderr } = await run('init')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toBe(`left alone  spandrel.yaml, which is there already

Contracts that it does not name:
  events/back.asyncapi.yaml

Next:
  npx spandrel check
`)
  expect(await system()).toBe(before)
})

test.each(['main.ts', 'notes.openapi.yaml'])(
  '%s is somebody else’s: the service gets a folder of its own',
  async (name) => {
    await have({ [name]: '# mine\n' })
    const { code, stdout } = await run('init')
    expect(code).toBe(0)
    expect(await files()).toEqual(
      [name, 'notes/main.ts', 'notes/notes.openapi.yaml', 'package.json', 'spandrel.yaml'].sort(),
    )
    expect(await readFile(join(folder, name), 'utf8')).toBe('# mine\n')
    expect(await system()).toMatch(/contracts: \[notes\/notes\.openapi\.yaml\]\n[^]*dev: node notes\/main\.ts\n/)
    expect(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))).toMatchObject({
      scripts: { start: 'node notes/main.ts' },
    })
    expect(stdout).toContain('  npm install\n')
    await passesCheck()
  },
)

test('no name is left for a file of the service: refused before anything is written', async () => {
  await have({ 'package.json': { type: 'module' }, 'notes/main.ts': '// mine\n' })
  const refused = await run('init')
  expect(refused).toEqual({
    code: 2,
    stdout: '',
    stderr: `error  nothing was written: notes/main.ts would be ours, and a file of that name stands there
  where  notes/main.ts
  fix    move it away, or run \`spandrel init\` in another folder
`,
  })
  expect(await run('init', '--dry-run')).toEqual(refused)
  expect(await files()).toEqual(['notes/main.ts', 'package.json'])
})

test('a package.json that cannot be read, and a spandrel.yaml that is a folder: refused, and where', async () => {
  await have({ 'package.json': '{ "name": "web", }' })
  const { code, stderr } = await run('init')
  expect(code).toBe(2)
  expect(stderr).toMatch(
    /^error {2}nothing was written: package\.json is no JSON .*\n {2}where {2}.*package\.json\n {2}fix {4}/,
  )
  expect(await files()).toEqual(['package.json'])
  // As Windows' editors write it, and as npm reads it.
  await have({ 'package.json': '\uFEFF{ "name": "web" }' })
  expect((await run('init', '--dry-run')).stdout).toContain('    system: web\n')
  await have({ 'spandrel.yaml/notes.txt': 'mine' })
  const folderThere = await run('init')
  expect(folderThere.code).toBe(2)
  expect(folderThere.stderr).toMatch(
    /^error {2}nothing was written: spandrel\.yaml is a folder, .*\n {2}where .*\n {2}fix /,
  )
})

test('next commands are those of the package manager whose lock file is there', async () => {
  await have({
    'package.json': { name: 'web' },
    'pnpm-lock.yaml': '',
    'pnpm-workspace.yaml': '',
    'packages/notes/package.json': { name: 'notes-app' },
    'yarn/package.json': { name: 'web' },
    'yarn/yarn.lock': '',
    'bun/package.json': { name: 'web' },
    'bun/bun.lock': '',
    'old/package.json': { name: 'web', workspaces: [] },
    'old/yarn.lock': '# THIS IS AN AUTOGENERATED FILE.\n# yarn lockfile v1\n',
    'empty/yarn.lock': '',
  })
  const next = async (where: string): Promise<string[]> => {
    const { next: lines } = JSON.parse((await run('init', where, '--json')).stdout) as { next: string[] }
    return lines.filter((line) => !/^(?:cd|curl) /.test(line))
  }
  // Within the workspace first: what is at its root would be above it.
  expect(await next('packages/notes')).toEqual([
    'pnpm add @spandrel/runtime pg',
    'pnpm add -D spandrel',
    'pnpm exec spandrel check',
    'pnpm exec spandrel dev',
  ])
  expect(await next('yarn')).toEqual([
    'yarn add @spandrel/runtime pg',
    'yarn add -D spandrel',
    'yarn spandrel check',
    'yarn spandrel dev',
  ])
  expect(await next('bun')).toEqual([
    'bun add @spandrel/runtime pg',
    'bun add -D spandrel',
    'bunx spandrel check',
    'bunx spandrel dev',
  ])
  expect((await next('old'))[0]).toBe('yarn add -W @spandrel/runtime pg')
  expect((await next('empty'))[0]).toBe('yarn install')
  // Nothing installs it there: Yarn would not find it.
  await have({ 'api/yarn.lock': '', 'api/orders.openapi.yaml': ordersDocument })
  expect((await next('api'))[0]).toBe('npx spandrel check')
  expect((await run('init', 'empty')).stdout).toContain('\n  yarn spandrel check\n')
})

test('a contract with faults is left out and named; only such ones: nothing is written', async () => {
  const faulty = ordersDocument.replace("'#/components/schemas/NewOrder'", "'#/components/schemas/Nowhere'")
  await have({ 'api/broken.openapi.yaml': faulty, 'api/orders.openapi.yaml': ordersDocument })
  const { code, stdout } = await run('init')
  expect(code).toBe(0)
  expect(stdout).toContain('api/broken.openapi.yaml was left out: it has 1 fault.')
  expect(await system()).toContain('  # left out, because it has 1 fault: api/broken.openapi.yaml\n')
  await passesCheck()
  await rm(join(folder, 'spandrel.yaml'))
  await rm(join(folder, 'api/orders.openapi.yaml'))
  expect(await run('init')).toEqual({
    code: 2,
    stdout: '',
    stderr: `error  nothing was written: the contract here has faults
  where  api/broken.openapi.yaml
  fix    correct them; \`spandrel check api/broken.openapi.yaml\` shows what is wrong
`,
  })
  expect(await files()).toEqual(['api/broken.openapi.yaml'])
})

test('credentials that a contract demands: the gateway would not start, and that is said now', async () => {
  const secured = ordersDocument.replace(
    'components:',
    'security: [{ token: [] }]\ncomponents:\n  securitySchemes: { token: { type: http, scheme: bearer } }',
  )
  await have({ 'orders.openapi.yaml': secured })
  expect((await run('init')).stdout).toContain('The gateway cannot start yet: ')
})

test('--dry-run shows everything and writes nothing; the same with --json', async () => {
  const { code, stdout } = await run('init', '--dry-run')
  expect(code).toBe(0)
  expect(stdout).toContain('    version: 1\n')
  expect(stdout).toContain('nothing was written: 4 files would be\n')
  const document = JSON.parse((await run('init', '--dry-run', '--json')).stdout) as { files: { file: string }[] }
  expect(document.files.map(({ file }) => file)).toEqual([
    'spandrel.yaml',
    'notes.openapi.yaml',
    'main.ts',
    'package.json',
  ])
  expect(await files()).toEqual([])
})

test('a folder that is not there, one that is a file, one where something stands in the way', async () => {
  await have({ notes: 'mine', 'package.json': { name: 'web' } })
  expect((await run('init', 'nowhere')).stderr).toContain('error  there is no folder nowhere\n')
  expect((await run('init', 'notes')).stderr).toContain('error  notes is no folder\n')
  const { code, stderr } = await run('init')
  expect(code).toBe(2)
  expect(stderr).toContain('so nothing was')
  expect(stderr).toMatch(/^ {2}fix {4}/m)
  expect(await files()).toEqual(['notes', 'package.json'])
})

test('a folder that cannot be written: which, and what to do', async () => {
  await chmod(folder, 0o555)
  // Root may write everywhere: for this it is somebody else.
  const isRoot = process.geteuid?.() === 0
  await chmod(root, 0o755)
  if (isRoot) process.seteuid?.(65_534)
  try {
    await expect(writeFiles([{ path: join(folder, 'spandrel.yaml'), text: '' }])).rejects.toMatchObject({
      message: expect.stringContaining('could not be written') as string,
      where: folder,
      fix: 'make the folder writable for you, or run it where you may write',
    })
  } finally {
    if (isRoot) process.seteuid?.(0)
    await chmod(folder, 0o755)
  }
})
