/** The samples of docs/operations/serving.md: the unit's and the image's commands run, with the variables of its file. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test, vi } from 'vitest'
import { testDatabase } from '../../../test/postgres.ts'
import { pair, pairFolder, publish, receiver } from './pair.ts'
import { spandrel, startSpandrel } from './spandrel.ts'
import { until } from './waiting.ts'

vi.setConfig({ testTimeout: 120_000 })

function sample(name: string): Promise<string> {
  return readFile(fileURLToPath(new URL(`../../../docs/samples/serving/${name}`, import.meta.url)), 'utf8')
}

const unit = await sample('shop-messages.service')
const image = await sample('Dockerfile')
const started = [
  ['the unit', /^ExecStart=\S+\/spandrel (.+)$/m.exec(unit)?.[1]?.split(' ') ?? []],
  [
    'the image',
    [...image.matchAll(/^(?:ENTRYPOINT|CMD) (\[.+\])$/gm)]
      .flatMap(([, list]) => JSON.parse(list!) as string[])
      .slice(1),
  ],
] as const

test.each(started)('%s starts what carries messages', async (_name, args) => {
  expect(args).toEqual(['serve', 'relay', 'push'])
  const system = await pair()
  const to = await receiver()
  const variables = (await sample('serve.env'))
    .split('\n')
    .flatMap((line) => /^(\w+)=(.*)$/.exec(line)?.slice(1, 3) ?? [])
  const named: Record<string, string> = {}
  for (let index = 0; index < variables.length; index += 2) named[variables[index]!] = variables[index + 1]!
  // Where things are differs here; that these are all the variables it needs is what is looked at.
  const here: Record<string, string> = { ...system.env, BACK_URL: to.url }
  const env = Object.fromEntries(Object.entries(named).map(([name, value]) => [name, here[name] ?? value]))
  expect(Object.keys(env).length).toBeGreaterThan(5)
  const running = startSpandrel(args, { cwd: pairFolder, env })
  onTestFinished(async () => {
    running.child.kill('SIGTERM')
    await running.done
  })
  await publish(system, 'ann')
  await until('the message', () => to.heard.length === 1, 60_000)
})

test('the refusal that the page shows', async () => {
  const page = await readFile(fileURLToPath(new URL('../../../docs/operations/serving.md', import.meta.url)), 'utf8')
  const [, line = '', shown = ''] = /```console\n\$ spandrel (.+)\n([\s\S]*?)```/.exec(page) ?? []
  const empty = await testDatabase()
  const { env } = await pair()
  const { code, stderr } = await spandrel(line.split(' '), {
    cwd: pairFolder,
    env: { ...env, FRONT_DATABASE_URL: empty.url },
  })
  expect(code).toBe(2)
  expect(stderr.replace(/postgres:\/\/\S+/, 'URL')).toBe(shown.replace(/postgres:\/\/\S+/, 'URL'))
})
