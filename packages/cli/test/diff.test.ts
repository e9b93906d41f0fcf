import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PullRequest, pullRequest } from './pull-request.ts'
import { spandrel } from './spandrel.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const fixtures = here('../../contract/src/diff/fixtures')

let repository: PullRequest
beforeAll(async () => {
  repository = await pullRequest()
})
afterAll(() => repository.close())

test('two documents: what breaks, where, and the version that asks for', async () => {
  const { code, stdout, stderr } = await spandrel(['diff', 'base.yaml', 'revision.yaml'], {
    cwd: `${fixtures}/parameter-became-required`,
  })
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
  expect(stdout).toContain('revision.yaml:8:11  breaking  parameter-became-required  GET /orders: the query parameter')
  expect(stdout).toContain('1.0.0 → 1.0.0 is not enough: 2.0.0 at least')
})

test('what is no file, folder or revision could not be compared', async () => {
  const { code, stderr } = await spandrel(['diff', 'nothing', 'base.yaml'], { cwd: `${fixtures}/parameter-added` })
  expect(code).toBe(2)
  expect(stderr).toContain('there is no file, folder or git revision nothing')
})

test('minor changes end it with 0, and with 1 where the version did not move', async () => {
  const cwd = `${fixtures}/parameter-added`
  expect((await spandrel(['diff', 'base.yaml', 'revision.yaml'], { cwd })).code).toBe(0)
  const checked = await spandrel(['diff', 'base.yaml', 'revision.yaml', '--check-version'], { cwd })
  expect(checked.code).toBe(1)
  expect(checked.stdout).toContain('1.0.0 → 1.0.0 is not enough: 1.1.0 at least')
})

test('a file of a revision against the work tree: consumers are known from spandrel.yaml', async () => {
  const file = 'payments/contracts/payments.asyncapi.yaml'
  const { code, stdout } = await spandrel(['diff', `main:${file}`, file, '--json'], { cwd: repository.folder })
  expect(code).toBe(1)
  const { findings } = JSON.parse(stdout) as {
    findings: { id: string; consumers: { service: string; broken: string }[] }[]
  }
  const broken = findings.find(({ id }) => id === 'sent-schema-widened')
  expect(broken?.consumers.map((one) => `${one.service} ${one.broken}`)).toEqual(['shipping no', 'ledger yes'])
})

test.each(['human', 'markdown', 'github', 'junit', 'sarif', 'json'])(
  '%s names the operation, whom it breaks, whom not, and who owns them',
  async (format) => {
    const { code, stdout } = await spandrel(['diff', 'main', '--format', format], { cwd: repository.folder })
    expect(code).toBe(1)
    // Markdown has its own emphasis, JSON its members.
    const text = stdout.replaceAll(/\*\*|`/g, '')
    const names = ['send shop.payments', 'team-payments', 'ledger', 'team-finance', 'shipping', 'team-logistics']
    expect(names.filter((name) => !text.includes(name))).toEqual([])
    if (format === 'json') return
    expect(text).toMatch(/breaks +ledger \(team-finance\): its own schema does not fit the change/i)
    expect(text).toMatch(/does not break shipping \(team-logistics\): its own schema fits the change/i)
  },
)

test('a revision against itself has no changes; one without the file could not be compared', async () => {
  const same = await spandrel(['diff', 'main', 'HEAD'], { cwd: repository.folder })
  expect({ code: same.code, stdout: same.stdout }).toMatchObject({ code: 0 })
  expect(same.stdout).toContain('no changes in')
  const gone = await spandrel(['diff', 'main:orders/nothing.yaml', 'HEAD'], { cwd: repository.folder })
  expect(gone.code).toBe(2)
})

test('folders without a spandrel.yaml: their documents, by their names', async () => {
  const { code, stdout } = await spandrel(['diff', 'main:payments/contracts', 'payments/contracts'], {
    cwd: repository.folder,
  })
  expect(code).toBe(1)
  // Both documents of the service: the messages as well as the API.
  expect(stdout).toMatch(/breaking {2}sent-schema-widened/)
  expect(stdout).toContain('the query parameter `currency` is new')
})

test('the change that adopts Spandrel: the contracts are compared with those that were there', async () => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'spandrel-adopts-')))
  try {
    const git = (...args: string[]) =>
      promisify(execFile)('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], { cwd: folder })
    const api = await readFile(`${fixtures}/parameter-added/base.yaml`, 'utf8')
    await mkdir(join(folder, 'api'))
    await writeFile(join(folder, 'api/orders.yaml'), api)
    await git('init', '--quiet')
    await git('add', '.')
    await git('commit', '--quiet', '--message', 'Before')
    const contracts = '[api/orders.yaml, api/messages.yaml]'
    const system = `version: 1\nsystem: shop\nservices:\n  orders: { contracts: ${contracts} }\n`
    await writeFile(join(folder, 'spandrel.yaml'), system)
    const messages = await readFile(`${fixtures}/message-removed/base.yaml`, 'utf8')
    await writeFile(join(folder, 'api/messages.yaml'), messages)
    const adopts = await spandrel(['diff', 'HEAD'], { cwd: folder })
    expect(adopts).toMatchObject({ code: 0 })
    expect(adopts.stderr).toContain('there was no system before: HEAD has no spandrel.yaml')
    expect(adopts.stderr).toContain('1 of 2 were there')
    expect(adopts.stdout).toMatch(/minor .*is new/)
    await writeFile(join(folder, 'api/orders.yaml'), api.replaceAll('/orders:', '/order:'))
    expect((await spandrel(['diff', 'HEAD'], { cwd: folder })).code).toBe(1)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test.each([
  [
    'a misspelt promise',
    { idempotencyy: { key: '$request.header.k' } },
    /idempotencyy. is not a member of .x-guarantees/,
  ],
  ['a misspelt value', { idempotency: 'naturl' }, /naturl/],
  ['two operations of one name', undefined, /the operation .a. exists already/],
])(
  '%s is refused in the revision, with its line and fix; a revision that mends it is compared',
  async (_name, promise, fault) => {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'spandrel-faults-')))
    try {
      const operation = { operationId: 'a', responses: { 200: { description: 'done' } } }
      const document = (post: object, more: object = {}) =>
        JSON.stringify({
          openapi: '3.1.0',
          info: { title: 'T', version: '1.0.0' },
          paths: { '/a': { post: { ...operation, ...post } }, ...more },
        })
      const wrong =
        promise === undefined ? document({}, { '/b': { get: operation } }) : document({ 'x-guarantees': promise })
      await writeFile(join(folder, 'right.yaml'), document({}))
      await writeFile(join(folder, 'wrong.yaml'), wrong)
      for (const base of ['right.yaml', 'wrong.yaml']) {
        const { code, stdout, stderr } = await spandrel(['diff', base, 'wrong.yaml'], { cwd: folder })
        expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
        expect(stderr).toMatch(fault)
        expect(stderr).toMatch(/wrong\.yaml:1:\d+ {2}error/)
        expect(stderr).toContain('wrong.yaml cannot be compared: 1 error in its documents')
      }
      const mended = await spandrel(['diff', 'wrong.yaml', 'right.yaml'], { cwd: folder })
      expect(mended.code).toBeLessThan(2)
      expect(mended.stderr).toMatch(/wrong\.yaml has 1 fault that the revision mends/)
    } finally {
      await rm(folder, { recursive: true })
    }
  },
)

test('the README shows the comment of a real pull request', async () => {
  const { code, stdout } = await spandrel(['diff', 'main', '--format', 'markdown'], { cwd: repository.folder })
  expect(code).toBe(1)
  const quoted = stdout
    .trim()
    .split('\n')
    .map((line) => `> ${line}`.trimEnd())
    .join('\n')
  const readme = here('../../../README.md')
  const text = await readFile(readme, 'utf8')
  const block = /(<!-- spandrel diff: written by packages\/cli\/test\/diff\.test\.ts -->\n)[\s\S]*?(<!-- end -->)/
  expect(text).toMatch(block)
  const updated = text.replace(block, (_all, begin: string, end: string) => `${begin}\n${quoted}\n\n${end}`)
  if (process.env['UPDATE_DOCS'] !== undefined) await writeFile(readme, updated)
  expect(await readFile(readme, 'utf8')).toBe(updated)
})

test('docs/comparing.md: every example prints what it says', async () => {
  const page = here('../../../docs/comparing.md')
  const text = await readFile(page, 'utf8')
  const example = /```console\n\$ spandrel (.+)\n([\s\S]*?)```/g
  const printed = new Map<string, string>()
  for (const [, line = ''] of text.matchAll(example)) {
    printed.set(line, (await spandrel(line.split(' '), { cwd: repository.folder })).stdout)
  }
  expect(printed.size).toBeGreaterThanOrEqual(3)
  const updated = text.replaceAll(
    example,
    (_all, line: string) => `\`\`\`console\n$ spandrel ${line}\n${printed.get(line)}\`\`\``,
  )
  if (process.env['UPDATE_DOCS'] !== undefined) await writeFile(page, updated)
  expect(await readFile(page, 'utf8')).toBe(updated)
})
