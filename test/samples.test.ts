/** The samples of the README and the docs, run as a reader would run them. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { endGroup, freePort, spawnGroup } from '../packages/cli/src/embedded/index.ts'
import { type TestDatabase, testDatabase } from './postgres.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
const config = join(root, 'docs/samples/coffee/spandrel.yaml')
const fromSource = ['--conditions=spandrel-source']

let coffee: TestDatabase
let stream: TestDatabase
let environment: NodeJS.ProcessEnv
const children: ReturnType<typeof spawnGroup>[] = []

async function spandrel(...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [...fromSource, join(root, 'packages/cli/src/main.ts'), ...args], {
    env: environment,
  })
  return stdout
}

beforeEach(async () => {
  coffee = await testDatabase()
  stream = await testDatabase()
  environment = {
    PATH: process.env['PATH'],
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
    COFFEE_DATABASE_URL: coffee.url,
    DATABASE_URL: coffee.url,
    SPANDREL_TRANSPORT_URL: stream.url,
  }
  await spandrel('migrate', '--config', config)
  await coffee.pool.query(await readFile(join(root, 'docs/samples/coffee/schema.sql'), 'utf8'))
})

afterEach(async () => {
  for (const child of children.splice(0)) await endGroup(child)
})

async function startCoffee(file = 'coffee/main.ts'): Promise<string> {
  const port = await freePort()
  const child = spawnGroup(process.execPath, [...fromSource, join(root, 'docs/samples', file)], {
    env: { ...environment, PORT: String(port) },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  children.push(child)
  const url = `http://127.0.0.1:${port}`
  await expect
    .poll(
      () =>
        fetch(`${url}/.spandrel/ready`).then(
          ({ status }) => status,
          () => 0,
        ),
      { timeout: 15_000, interval: 50 },
    )
    .toBe(200)
  return url
}

const count = async (table: string): Promise<number> =>
  (await coffee.pool.query(`select count(*)::int as n from ${table}`)).rows[0].n

test('the contracts of the samples have no faults, and what is generated from them is up to date', async () => {
  expect(await spandrel('check', '--config', config)).toContain('no faults in 1 service')
  expect(await spandrel('generate', '--check', '--config', config)).toContain('up to date')
})

/** Orders twice with one key; how many orders came of it. */
async function oneKeyOneCoffee(url: string): Promise<number> {
  const order = () =>
    fetch(`${url}/coffees`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'k-1' },
      body: JSON.stringify({ drink: 'flat white' }),
    })
  const first = await order()
  const again = await order()
  expect([first.status, again.status]).toEqual([201, 201])
  expect(await again.json()).toEqual(await first.json())
  expect(again.headers.get('idempotent-replayed')).toBe('true')
  await expect.poll(() => count('brews'), { timeout: 10_000 }).toBe(1)
  return count('orders')
}

test('a first service: one key, one coffee, one brew', async () => {
  expect(await oneKeyOneCoffee(await startCoffee())).toBe(1)
})

test.each(['express', 'fastify', 'hono', 'nest'])(
  'mounted in %s: its operations, and those of the application',
  async (name) => {
    const page = await readFile(join(root, 'docs/mounting.md'), 'utf8')
    for (const file of ['service.ts', `${name}.ts`])
      expect(page).toContain((await readFile(join(root, 'docs/samples/mounting', file), 'utf8')).trimEnd())
    const url = await startCoffee(`mounting/${name}.ts`)
    expect(await oneKeyOneCoffee(url)).toBe(1)
    const hello = await fetch(`${url}/hello`)
    expect(await hello.json()).toEqual({ hello: `from ${name}` })
    const refused = await fetch(`${url}/coffees`, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    })
    expect(refused.status).toBe(400)
    // Not the contract's, so not answered by it.
    expect([(await fetch(`${url}/nothing`)).status, (await fetch(`${url}/coffees`)).status]).toEqual([404, 404])
  },
)

/** Orders twice by a sample, the second time nothing that can be; the receiving side runs. What it prints. */
async function orderTwice(file: string): Promise<string> {
  await startCoffee()
  const script = `
    const { order } = await import(${JSON.stringify(join(root, 'docs/samples', file))})
    await order('espresso')
    await order(null).catch((error) => console.log('refused:', error.code ?? error.cause?.code ?? error.name))
    process.exit(0)`
  const { stdout } = await run(process.execPath, [...fromSource, '--input-type=module', '-e', script], {
    env: environment,
  })
  return stdout
}

test('the outbox alone: what was committed leaves, what was rolled back does not', async () => {
  expect(await orderTwice('outbox-alone/main.ts')).toBe('refused: 23502\n')
  await expect.poll(() => count('brews'), { timeout: 10_000 }).toBe(1)
  expect(await count('orders')).toBe(1)
})

test.each(['kysely', 'drizzle', 'knex', 'postgres-js', 'prisma', 'typeorm'])(
  'the outbox in a transaction of %s: what was committed leaves, what was rolled back does not',
  async (library) => {
    const file = `databases/${library}.ts`
    const page = await readFile(join(root, 'docs/databases.md'), 'utf8')
    expect(page).toContain((await readFile(join(root, 'docs/samples', file), 'utf8')).trimEnd())
    // Prisma looks at the values before the server does.
    const refused = library === 'prisma' ? 'PrismaClientValidationError' : '23502'
    expect(await orderTwice(file)).toBe(`refused: ${refused}\n`)
    await expect.poll(() => count('brews'), { timeout: 10_000 }).toBe(1)
    expect(await count('orders')).toBe(1)
  },
)

test('a service without our code: SQL out', async () => {
  await startCoffee()
  await coffee.pool.query(await readFile(join(root, 'docs/samples/other-languages/publish.sql'), 'utf8'))
  await expect.poll(() => count('brews'), { timeout: 10_000 }).toBe(1)
})
