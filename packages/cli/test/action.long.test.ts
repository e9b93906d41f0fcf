/** The composite action: its own steps, in their order, as a runner runs them, against an API of ours. */
import { spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type PullRequest, pullRequest } from './pull-request.ts'

const action = fileURLToPath(new URL('../../../action', import.meta.url))
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

interface Step {
  id?: string
  name: string
  if?: string
  env: Record<string, string>
  run: string
}

interface ActionFile {
  inputs: Record<string, { default: string }>
  runs: { using: string; steps: Step[] }
}

let repository: PullRequest
let api: Server
let url: string
const comments: { body: string; url: string }[] = []
const requests: string[] = []

beforeAll(async () => {
  repository = await pullRequest()
  api = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    request.on('end', () => {
      requests.push(`${request.method} ${request.url} ${request.headers.authorization}`)
      response.setHeader('content-type', 'application/json')
      const { body = '' } = text === '' ? {} : (JSON.parse(text) as { body?: string })
      if (request.method === 'POST') comments.push({ body, url: `${url}/comments/${comments.length}` })
      const known = comments.find((one) => one.url.endsWith(request.url ?? ''))
      if (request.method === 'PATCH' && known !== undefined) known.body = body
      response.end(JSON.stringify(request.method === 'GET' ? comments : {}))
    })
  })
  await new Promise<void>((ready) => api.listen(0, '127.0.0.1', ready))
  url = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
})
afterAll(async () => {
  await new Promise((closed) => api.close(closed))
  await repository.close()
})

/** What a runner fills in before a step: `${{ inputs.base }}`, `${{ steps.compare.outputs.report }}`. */
function filled(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\{\{\s*([\w.-]+)\s*\}\}/g, (_all, name: string) => values[name] ?? '')
}

async function runStep(step: Step, env: NodeJS.ProcessEnv): Promise<{ code: number | null; text: string }> {
  const child = spawn('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', step.run], {
    cwd: repository.folder,
    env,
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const code = await new Promise<number | null>((done) => child.on('close', done))
  return { code, text }
}

async function runAction(given: Readonly<Record<string, string>>) {
  const { inputs, runs } = parse(await readFile(join(action, 'action.yml'), 'utf8')) as ActionFile
  expect(runs.using).toBe('composite')
  const temporary = join(repository.folder, '.runner')
  await mkdir(temporary, { recursive: true })
  const file = (name: string): string => join(temporary, name)
  await writeFile(file('event.json'), JSON.stringify({ pull_request: { number: 7 } }))
  for (const name of ['output', 'summary']) await writeFile(file(name), '')
  const values: Record<string, string> = { 'github.base_ref': 'main', 'github.token': 'secret' }
  for (const [name, { default: standard }] of Object.entries(inputs)) {
    values[`inputs.${name}`] = given[name] ?? filled(standard, values)
  }
  const ran: { name: string; code: number | null; text: string }[] = []
  for (const step of runs.steps) {
    if (step.if !== undefined && values['inputs.comment'] !== 'true') continue
    const own = Object.fromEntries(Object.entries(step.env).map(([name, text]) => [name, filled(text, values)]))
    const result = await runStep(step, {
      PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
      HOME: process.env['HOME'],
      GITHUB_ACTION_PATH: action,
      GITHUB_API_URL: url,
      GITHUB_EVENT_PATH: file('event.json'),
      GITHUB_OUTPUT: file('output'),
      GITHUB_REPOSITORY: 'acme/shop',
      GITHUB_STEP_SUMMARY: file('summary'),
      GITHUB_WORKSPACE: repository.folder,
      RUNNER_TEMP: temporary,
      ...own,
    })
    ran.push({ name: step.name, ...result })
    for (const line of (await readFile(file('output'), 'utf8')).split('\n')) {
      const [name = '', ...value] = line.split('=')
      values[`steps.${step.id}.outputs.${name}`] = value.join('=')
    }
    if (result.code !== 0) break
  }
  return { ran, summary: await readFile(file('summary'), 'utf8') }
}

const command = `${process.execPath} --conditions=spandrel-source ${main}`

test(
  'a pull request that breaks a consumer gets annotations, one comment, and a failed check',
  { timeout: 60_000 },
  async () => {
    const first = await runAction({ command })
    expect(first.ran.map(({ code }) => code)).toEqual([0, 0, 1])
    expect(first.ran[0]?.text).toContain('::error file=payments/contracts/payments.asyncapi.yaml,line=')
    expect(first.summary).toContain('Breaks **ledger** (team-finance)')
    expect(comments.map(({ body }) => body)).toEqual([first.summary])
    expect(requests).toContain('POST /repos/acme/shop/issues/7/comments Bearer secret')

    const second = await runAction({ command, 'fail-on': 'never' })
    expect(second.ran.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(comments).toHaveLength(1)
    expect(requests.at(-1)).toContain('PATCH /comments/0')
  },
)

test('what cannot be compared fails at once, and says why', { timeout: 60_000 }, async () => {
  const { ran } = await runAction({ command, base: 'main', config: 'nowhere', comment: 'false' })
  expect(ran).toHaveLength(1)
  expect(ran[0]).toMatchObject({ code: 2 })
  expect(ran[0]?.text).toContain('there is no nowhere')
})
