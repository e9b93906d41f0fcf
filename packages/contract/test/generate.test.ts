/** From documents on disk to contract files that services compile against: the library of `fixtures/library`. */
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { typeScriptProject, type TypeScriptProject } from './generate/typescript-project.ts'
import { checkGenerated, generateSystem, loadSystem, type System } from '../src/index.ts'

const fixture = fileURLToPath(new URL('fixtures/library', import.meta.url))

let project: TypeScriptProject

async function copyOfFixture(): Promise<void> {
  project = await typeScriptProject()
  await cp(fixture, project.dir, { recursive: true })
}

async function load(): Promise<System> {
  const { system, findings } = await loadSystem(join(project.dir, 'spandrel.yaml'), { env: {} })
  if (system === undefined) throw new Error(JSON.stringify(findings, undefined, 2))
  return system
}

async function write(): Promise<void> {
  for (const { file, text } of generateSystem(await load()))
    await project.write({ [relative(project.dir, file)]: text })
}

describe('generating a system', () => {
  beforeEach(copyOfFixture)
  afterEach(() => project[Symbol.asyncDispose]())

  test('gives one file a service, beside its code', async () => {
    const files = generateSystem(await load()).map(({ file }) => relative(project.dir, file))
    expect(files).toEqual(['lending/src/lending.contract.ts', 'notices/src/notices.contract.ts'])
  })

  test('finds missing and stale files, those of callers too', async () => {
    const stale = async (): Promise<string[]> =>
      (await checkGenerated(generateSystem(await load()))).map(({ service, reason }) => `${service} ${reason}`)
    expect(await stale()).toEqual(['lending missing', 'notices missing'])
    await write()
    expect(await stale()).toEqual([])
    const document = join(project.dir, 'lending/lending.openapi.yaml')
    const text = await readFile(document, 'utf8')
    await writeFile(document, text.replace('enum: [out, overdue, returned]', 'enum: [out, overdue]'))
    // notices calls lending: its file knows the loan too
    expect(await stale()).toEqual(['lending different', 'notices different'])
    await writeFile(document, text.replace('A copy of a book in', 'One copy of a book in'))
    expect(await stale()).toEqual(['lending different', 'notices different'])
    await writeFile(document, `# a comment is no difference\n${text}`)
    expect(await stale()).toEqual([])
  })

  test('line ends of a checkout on another system are no difference', async () => {
    await write()
    const files = generateSystem(await load())
    const [first] = files
    await writeFile(first?.file ?? '', (first?.text ?? '').replaceAll('\n', '\r\n'))
    expect(await checkGenerated(files)).toEqual([])
  })

  test('is the same from another folder, with another environment', async () => {
    const texts = async (): Promise<string[]> => generateSystem(await load()).map(({ text }) => text)
    const here = await texts()
    const elsewhere = await typeScriptProject()
    await cp(fixture, elsewhere.dir, { recursive: true })
    const { system } = await loadSystem(join(elsewhere.dir, 'spandrel.yaml'), {
      env: { LENDING_URL: 'http://10.0.0.1' },
    })
    expect(system && generateSystem(system).map(({ text }) => text)).toEqual(here)
    await rm(elsewhere.dir, { recursive: true })
    expect(here.join('')).not.toContain(project.dir)
  })
})

const LENDING = `import { createService } from '@spandrel/runtime'
import type { Pool } from 'pg'
import { lending, type Loan } from './lending.contract.ts'
declare const database: Pool
declare const loan: Loan

export const service = createService(lending, {
  database,
  handlers: {
    async lendBook({ body, headers }, { send }) {
      const key: string = headers['idempotency-key']
      if (body.note === null) return { status: 409, body: { title: 'none left', key } }
      send('bookLent', { loanId: loan.loanId, member: body.member, due: loan.due })
      return { status: 201, headers: { location: '/loans/1' }, body: loan }
    },
    async getLoan({ params, query }) {
      const expand: ('book' | 'member')[] = query.expand ?? []
      return expand.length > 0 && params.loanId === query.at ? { status: 200, body: loan } : { status: 404 }
    },
    async renewLoan({ body }) {
      const days: number | undefined = body?.days
      return days === 0 ? { status: 422, body: { title: 'no days' } } : { status: 200, body: loan }
    },
    async noteLetter({ data }, { send }) {
      send('bookReturned', { loanId: data.loanId })
    },
  },
})
`
const NOTICES = `import { createService, external } from '@spandrel/runtime'
import type { Pool } from 'pg'
import { lendingClient, notices, type NoticesTypes } from './notices.contract.ts'
declare const database: Pool

export const service = createService(notices, {
  database,
  handlers: {
    writeLetter: {
      effects: 'external',
      async act(message, { call }) {
        if (message.type === 'library.book-returned.v1') return undefined
        const member: number = message.data.member
        const answer = await call('lending.renewLoan', { params: { loanId: message.data.loanId } })
        return answer.status === 200 ? answer.body.due : String(member)
      },
      handle({ data, result }, { send }) {
        if (result !== undefined) send('letterSent', { loanId: data.loanId })
      },
    },
  },
})
const client = lendingClient({ baseUrl: 'http://127.0.0.1:7101' })
export const loan = await client.getLoan({ params: { loanId: 'x' }, query: { expand: ['book'] } })
export type Lent = NoticesTypes['receives']['writeLetter']
void external
`

describe('what was generated', () => {
  beforeAll(async () => {
    await copyOfFixture()
    for (const { file, text } of generateSystem(await load()))
      await project.write({ [relative(project.dir, file)]: text })
  })
  afterAll(() => project[Symbol.asyncDispose]())

  test('types both services of the library, and no others', async () => {
    const wrong: readonly [name: string, from: string, to: string][] = [
      ['handler', 'async noteLetter(', 'async noteLeter('],
      ['header', `headers: { location: '/loans/1' }, `, ''],
      ['member', 'body: loan } : { status: 404 }', 'body: { ...loan, state: 1 } } : { status: 404 }'],
      ['status', '{ status: 404 }', '{ status: 400 }'],
      ['message', `send('bookReturned'`, `send('bookLost'`],
    ]
    for (const [name, from, to] of wrong) {
      expect(LENDING).toContain(from)
      await project.write({ [`lending/src/wrong-${name}.ts`]: LENDING.replace(from, to) })
    }
    await project.write({ 'lending/src/main.ts': LENDING, 'notices/src/main.ts': NOTICES })
    const files = (await project.typeCheck()).map((error) => error.slice(0, error.indexOf('(')))
    expect(new Set(files)).toEqual(new Set(wrong.map(([name]) => `lending/src/wrong-${name}.ts`)))
  })

  test('promises what the documents say, with validators that hold', async () => {
    const { lending } = await import(join(project.dir, 'lending/src/lending.contract.ts'))
    expect(lending.operations.lendBook).toMatchObject({
      method: 'POST',
      path: '/loans',
      guarantees: {
        idempotency: {
          key: { source: 'request.header', name: 'Idempotency-Key' },
          required: true,
          scope: 'global',
          retentionMs: 7 * 24 * 3600_000,
          onOverlap: 'wait',
          onMismatch: 'reject',
          remembers: 'final',
        },
        timeoutMs: 5000,
      },
      answers: {
        201: { contentType: 'application/json', headers: ['location'] },
        409: { contentType: 'application/problem+json', headers: [] },
        '4XX': { contentType: 'application/problem+json' },
      },
    })
    expect(lending.operations.getLoan.parameters).toMatchObject([
      { name: 'loanId', in: 'path', required: true, type: 'string' },
      { name: 'expand', in: 'query', required: false, type: 'array', itemType: 'string' },
      { name: 'at', in: 'query', required: false, type: 'string' },
    ])
    expect(lending.channels['library.loans']).toMatchObject({ ordered: true, partitions: 8 })
    expect(lending.sends.bookReturned).toMatchObject({ type: 'library.book-returned.v1', channel: 'library.loans' })
    expect(lending.sends.bookLent.guarantees.ordering).toEqual({
      by: { source: 'message.payload', pointer: ['loanId'] },
    })

    const loan = {
      loanId: '2eb8aa08-aa98-11ea-b4aa-73b441d16380',
      isbn: 'x',
      member: 1,
      state: 'out',
      due: '2026-02-28',
      fee: 0.29,
    }
    const { validate } = lending.operations.getLoan.answers['200']
    expect(validate({ ...loan, renewedFrom: { ...loan, renewedFrom: null }, shelf: ['A', 1] })).toBe(true)
    const faults = [
      { ...loan, due: '2026-02-29' },
      { ...loan, fee: 0.295 },
      { ...loan, shelf: ['A', 1, 2] },
      { ...loan, renewedFrom: { ...loan, member: 0 } },
    ]
    expect(faults.map((fault) => [validate(fault), validate.errors[0].instancePath])).toEqual([
      [false, '/due'],
      [false, '/fee'],
      [false, '/shelf'],
      [false, '/renewedFrom/member'],
    ])
  })
})
