/** What the forms that documents really have become: in TypeScript, in validators, and for users of JavaScript. */
import { execFile } from 'node:child_process'
import { cp } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { generateSystem, loadSystem, type JsonSchema, type System } from '../src/index.ts'
import { STRICTEST, typeScriptProject, type TypeScriptProject } from './generate/typescript-project.ts'

const USES = `import type * as zoo from './zoo.contract.ts'
type Body<N extends keyof zoo.ZooTypes['operations']> = zoo.ZooTypes['operations'][N]['body']
type Answer<N extends keyof zoo.ZooTypes['operations']> = zoo.ZooTypes['operations'][N]['answer']
`

/** name → code; `ok` compiles, all others are refused at their last line. */
const CASES: Readonly<Record<string, string>> = {
  'ok: a discriminator narrows': `export const lives = (animal: zoo.Animal): number | undefined => (animal.kind === 'feline' || animal.kind === 'wildcat' ? animal.lives : animal.wings)`,
  'a value that chooses nothing': `export const fish: zoo.Animal = { kind: 'Fish', lives: 1 }`,
  'a member of the other choice': `export const odd = (animal: zoo.Animal) => animal.kind === 'Bird' && animal.lives`,
  'ok: children of a base are told apart': `export const number = (payment: zoo.Payment) => (payment.by === 'card' ? payment.number : payment.coins)`,
  "a child with another child's value":
    `export const coin: zoo.Cash = { by: 'card', coins: 1 }\nexport const ok: zoo.Card = { by: 'card', number: '1' }`
      .split('\n')
      .toReversed()
      .join('\n'),
  'ok: a request has no readOnly, a response no writeOnly': `export const ask: Body<'hireKeeper'> = { name: 'a', pin: '1' } satisfies zoo.KeeperRequest2
export const told: Answer<'hireKeeper'> = { status: 201, body: { id: 1, since: '2026-01-01', name: 'a', boss: { id: 2, since: '', name: 'b' } } satisfies zoo.KeeperResponse }`,
  'a readOnly member in a request': `export const ask: Body<'hireKeeper'> = { id: 1, name: 'a', pin: '1' }`,
  'a readOnly member in a request, deep inside': `export const ask: zoo.KeeperRequest2 = { name: 'a', pin: '1', boss: { id: 1, name: 'b', pin: '2' } }`,
  'a writeOnly member in a response': `export const told: zoo.KeeperResponse = { id: 1, since: '', name: 'a', pin: '1' }`,
  'a response without what a request may leave out': `export const told: zoo.KeeperResponse = { since: '', name: 'a' }`,
  'ok: through a choice': `export const admit: Body<'admitAnimal'> = { kind: 'Bird' } satisfies zoo.AnimalRequest`,
  'through a choice': `export const admit: Body<'admitAnimal'> = { kind: 'Bird', id: '1' }`,
  'ok: patterns of names': `export const label: zoo.Labelled = { name: 'a', 'x-size': 1, 'no.smoking': true }`,
  'a member by a pattern with another type': `export const label: zoo.Labelled = { name: 'a', 'x-size': true }`,
  'a member that no pattern knows': `export const label: zoo.Labelled = { name: 'a', y: 1 }`,
  'ok: names': `export const ticket: zoo.Ticket = { class: 'first', Promise: { then: 1 } satisfies zoo.Promise2, 'zoo-ticket': { a: '' }, ZooTicket: { b: '' }, request: { unrelated: true } satisfies zoo.KeeperRequest }
export const wait: Promise<void> = Promise.resolve()`,
  'names that collide are different types': `export const ticket: zoo.Ticket = { class: 'first', Promise: {}, ZooTicket: { a: '' } }`,
  'ok: recursion': `export const all: zoo.Enclosure = { inner: [{ inner: [] }], path: { turns: { leads: { inner: [{}] } } } }`,
  'recursion, three levels down': `export const all: zoo.Enclosure = { path: { turns: { leads: { inner: [1] } } } }`,
}

let project: TypeScriptProject
let system: System
const complaints = new Map<string, Set<number>>()
const files = Object.entries(CASES).map(([name, code], index) => ({
  name,
  file: `case-${index}.ts`,
  text: `${USES}${code}\n`,
}))

beforeAll(async () => {
  project = await typeScriptProject()
  await cp(fileURLToPath(new URL('fixtures/zoo', import.meta.url)), project.dir, { recursive: true })
  const loaded = await loadSystem(join(project.dir, 'spandrel.yaml'), { env: {} })
  if (loaded.system === undefined) throw new Error(JSON.stringify(loaded.findings))
  system = loaded.system
  for (const { file, text } of generateSystem(system)) await project.write({ [relative(project.dir, file)]: text })
  await project.write(Object.fromEntries(files.map(({ file, text }) => [file, text])))
  for (const error of await project.typeCheck()) {
    const [, path = '', line] = /^(\S+?)\((\d+),/.exec(error) ?? []
    if (!path.startsWith('case-')) throw new Error(error)
    complaints.set(path, (complaints.get(path) ?? new Set()).add(Number(line)))
  }
}, 60_000)
afterAll(() => project[Symbol.asyncDispose]())

test.each(files)('$name', ({ name, file, text }) => {
  const last = text.trimEnd().split('\n').length
  // The imports that a case does not need are no concern of its own.
  expect(complaints.get(file)).toEqual(name.startsWith('ok') ? undefined : new Set([last]))
})

test('validators ask for what the direction has, and refuse nothing that may be ignored', async () => {
  const { zoo } = (await import(join(project.dir, 'zoo.contract.ts'))) as {
    zoo: { operations: { hireKeeper: { body: Check; answers: Record<string, Check> } } }
  }
  const { body, answers } = zoo.operations.hireKeeper
  expect(body.validate({ name: 'a', pin: '1' })).toBe(true)
  expect(body.validate({ id: 1, name: 'a', pin: '1' })).toBe(true)
  expect(body.validate({ name: 'a' })).toBe(false)
  expect(body.validate({ id: 'x', name: 'a', pin: '1' })).toBe(false)
  expect(answers['201']?.validate({ id: 1, since: '2026-01-01', name: 'a' })).toBe(true)
  expect(answers['201']?.validate({ name: 'a' })).toBe(false)
})

interface Check {
  validate(value: unknown): boolean
}

test('JavaScript: the same contract and client, with declarations that say what the TypeScript says', async () => {
  await using javascript = await typeScriptProject()
  const written = generateSystem(system, { javascript: () => true })
  const names = written.map(({ file }) => relative(project.dir, file))
  expect(names).toEqual(['zoo.contract.js', 'zoo.contract.d.ts', 'visitor.contract.js', 'visitor.contract.d.ts'])
  for (const { file, text } of written) await javascript.write({ [relative(project.dir, file)]: text })
  await javascript.write({
    'good.ts': `import { visitor, zooClient, type VisitorTypes } from './visitor.contract.js'
import type { KeeperRequest2 } from './zoo.contract.js'
const client = zooClient({ baseUrl: 'http://127.0.0.1' })
const answer = await client.hireKeeper({ body: { name: 'a', pin: '1' } })
console.log(answer.status === 201 && answer.body.id.toFixed(), visitor.service)
export type Used = [VisitorTypes, KeeperRequest2]
`,
    'bad.ts': `import { zooClient } from './visitor.contract.js'
await zooClient({ baseUrl: '' }).hireKeeper({ body: { name: 'a' } })
`,
  })
  expect((await javascript.typeCheck(STRICTEST)).map((line) => line.replace(/: .*/, ''))).toEqual(['bad.ts(2,47)'])
  const run = promisify(execFile)
  const show = `const asked = []
const fetch = async (url, init) => (asked.push([url, init]), new Response('{"id":1}', { status: 201, headers: { 'content-type': 'application/json' } }))
const client = visitor.zooClient({ baseUrl: 'http://h', fetch })
const answer = await client.hireKeeper({ body: { name: 'a', pin: '1' } })
const { body } = zoo.zoo.operations.hireKeeper
const refused = [body.validate({ name: 1 }), body.validate.errors]
console.log(JSON.stringify([asked, answer, refused, zoo.zoo, visitor.visitor]))`
  const shown = async (dir: string, extension: string): Promise<string> => {
    const imports = `import * as zoo from './zoo.contract.${extension}'\nimport * as visitor from './visitor.contract.${extension}'\n`
    const target = extension === 'js' ? javascript : project
    await target.write({ 'show.mjs': `${imports}${show}` })
    return (await run(process.execPath, ['--conditions=spandrel-source', 'show.mjs'], { cwd: dir })).stdout
  }
  const said = await shown(javascript.dir, 'js')
  expect(said).toContain('"pin\\":\\"1\\"')
  expect(said).toBe(await shown(project.dir, 'ts'))
})

test('schemas nested 120 deep', async () => {
  let schema: JsonSchema = { type: 'string' }
  for (let depth = 0; depth < 120; depth++)
    schema = { type: 'object', properties: { inner: schema }, required: ['inner'] }
  const [post] = Object.values(system.services['zoo']?.operations ?? {})
  const zoo = system.services['zoo']
  if (post?.requestBody === undefined || zoo === undefined) throw new Error('the zoo has changed')
  const location = post.location
  const deep = {
    ...post,
    requestBody: {
      ...post.requestBody,
      content: [{ contentType: 'application/json', json: true, schema: { schema, location } }],
    },
  }
  await using deeper = await typeScriptProject()
  const one = { ...system, services: { zoo: { ...zoo, operations: { [post.operation]: deep } } } }
  for (const { file, text } of generateSystem(one)) await deeper.write({ [relative(project.dir, file)]: text })
  expect(await deeper.typeCheck(STRICTEST)).toEqual([])
})
