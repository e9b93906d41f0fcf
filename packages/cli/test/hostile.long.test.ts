/** Files and revisions that no one would write on purpose: each is a sentence with a fix, and never a stack. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { spandrel } from './spandrel.ts'

const plain = `openapi: 3.1.0
info: { title: X, version: 1.0.0 }
paths:
  /a:
    get: { operationId: a, responses: { '200': { description: ok } } }
`
let folder: string
const git = (...args: string[]) =>
  promisify(execFile)('git', ['-c', 'user.name=ann', '-c', 'user.email=ann@example.org', ...args], { cwd: folder })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spandrel-hostile-'))
  const levels = 'bcdefghi'.split('')
  const bomb = levels.map(
    (name, at) =>
      `${name}: &${name} [${Array(9)
        .fill(`*${at === 0 ? 'a' : levels[at - 1]}`)
        .join()}]`,
  )
  const files: Record<string, string | Uint8Array> = {
    'plain.yaml': plain,
    'bom.yaml': `\uFEFF${plain}`,
    'crlf.yaml': plain.replaceAll('\n', '\r\n'),
    'empty.yaml': '',
    'binary.yaml': Uint8Array.from({ length: 999 }, (_, at) => (at * 37) % 256),
    'zeros.json': '\0\0\0',
    'escape.yaml': 'openapi: "\u001b[2J"\n',
    'twice.yaml': `${plain}info: { title: Y, version: 1.0.0 }\n`,
    'alias.yaml': 'a: &a [*a]\nopenapi: 3.1.0\n',
    'bomb.yaml': ['a: &a [x,x,x,x,x,x,x,x,x]', ...bomb, 'openapi: 3.1.0', ''].join('\n'),
    'deep.json': '['.repeat(100_000) + ']'.repeat(100_000),
    'several.yaml': `---\n${plain}---\nb: 2\n`,
    'null.json': 'null',
    'with space/a b.yaml': plain,
  }
  await mkdir(join(folder, 'with space'))
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
  await symlink('two.yaml', join(folder, 'one.yaml'))
  await symlink('one.yaml', join(folder, 'two.yaml'))
  await git('init', '-qb', 'main')
  await git('add', 'plain.yaml')
  await git('commit', '-qm', 'first')
  await git('mv', 'plain.yaml', 'moved.yaml')
  await git('commit', '-qm', 'moved')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

// oxlint-disable-next-line no-control-regex -- that is what is looked for
const steersTerminals = /[\u0000-\u0008\u000b-\u001f\u007f]/

test.each([
  ['check bom.yaml', 0, 'no faults'],
  ['check crlf.yaml', 0, 'no faults'],
  ['check with*space/a*b.yaml', 0, 'no faults'],
  ['check empty.yaml', 1, 'the document is empty'],
  ['check binary.yaml', 1, 'is not UTF-8 text'],
  ['check zeros.json', 1, 'is no JSON value'],
  ['check escape.yaml', 1, 'error'],
  ['check twice.yaml', 1, '`info` is written twice'],
  ['check alias.yaml', 1, '`*a` contains itself'],
  ['check bomb.yaml', 1, 'more than 3000000 nodes'],
  ['check deep.json', 1, 'more than 200 levels'],
  ['check several.yaml', 1, 'the file has several documents'],
  ['check null.json', 1, 'neither an OpenAPI'],
  ['check one.yaml', 2, 'one.yaml'],
  ['diff nowhere', 2, 'there is no file, folder or git revision nowhere'],
  ['diff HEAD~9 moved.yaml', 2, 'git revision HEAD~9'],
  ['diff HEAD~1 moved.yaml', 2, 'HEAD~1 has no moved.yaml'],
  ['diff HEAD~1:plain.yaml moved.yaml', 0, 'no changes'],
  ['diff binary.yaml moved.yaml', 2, 'neither a contract nor a spandrel.yaml'],
])('%s', async (line, expected, says) => {
  const { code, stdout, stderr } = await spandrel(
    line.split(' ').map((one) => one.replaceAll('*', ' ')),
    { cwd: folder },
  )
  const said = stdout + stderr
  expect(said).toContain(says)
  expect(said).not.toMatch(/^\s+at .+:\d+:\d+|node:internal/m)
  expect(said).not.toMatch(steersTerminals)
  expect(code).toBe(expected)
})

test('a shallow clone: what to fetch', async () => {
  await git('clone', '-q', '--depth', '1', `file://${folder}`, join(folder, 'shallow'))
  const { code, stderr } = await spandrel(['diff', 'HEAD~1'], { cwd: join(folder, 'shallow') })
  expect(code).toBe(2)
  expect(stderr).toContain('this clone is shallow')
})
