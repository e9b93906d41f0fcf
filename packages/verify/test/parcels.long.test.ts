/**
 * Messages, completions and kills: each defect of parcels/bugs.ts is failed by the check named for it and by nothing that
 * is not true of it; correct services of two makes are failed by nothing. Here only what leads to that check is tried;
 * `npm run prove:verify` tries everything.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkGenerated, generateSystem } from '@spandrel/contract'
import { describe, expect, inject, test } from 'vitest'
import { messageChecks } from '../src/checks/all-messages.ts'
import { failures } from './attack-server.ts'
import { attackParcels, parcelSystem } from './parcels/attack-parcels.ts'
import { type ParcelBug, type ParcelBugFacts, parcelBugs } from './parcels/bugs.ts'
import { type ParcelTwin, parcelTwins } from './parcels/twins.ts'

/** The operation whose effects show what a send does. */
const doneBy: Record<string, string> = {
  announceOrder: 'placeOrder',
  announceParcel: 'bookParcel',
  listOrders: 'placeOrder',
}

describe.concurrent('a defect is found, by name', () => {
  test.each(Object.entries<ParcelBugFacts>(parcelBugs))('%s', { timeout: 120_000 }, async (name, bug) => {
    const [operation = '', check = ''] = bug.failedBy.split('/')
    const { report } = await attackParcels(inject('postgres'), {
      bug: name as ParcelBug,
      only: [doneBy[operation] ?? operation],
      check,
      kill: bug.needs === 'kill',
      carrier: bug.needs === 'carrier',
      contract: bug.contract,
      ...(bug.needs === 'push' && { push: 'binary' }),
    })
    const found = failures(report)
    expect(found).toContain(bug.failedBy)
    expect(found.filter((finding) => finding !== bug.failedBy && !bug.also?.includes(finding))).toEqual([])
  })
})

describe.concurrent('correct services', () => {
  test.each(Object.entries<ParcelTwin>(parcelTwins))('%s', { timeout: 120_000 }, async (_, { attack, least }) => {
    const { report } = await attack(inject('postgres'))
    expect(failures(report)).toEqual([])
    const checks = report.results.flatMap((result) => result.checks)
    expect(checks.length).toBeGreaterThanOrEqual(least)
    expect(
      checks.filter(({ verdict }) => verdict !== 'PASS').map(({ finding, notes }) => `${finding}: ${notes.join('; ')}`),
    ).toEqual([])
  })
})

test('where only messages show the effects of requests, they count them', async () => {
  const blind = { only: ['placeOrder'], blind: true }
  const [good, bad] = await Promise.all([
    attackParcels(inject('postgres'), { ...blind, kill: false }),
    attackParcels(inject('postgres'), { ...blind, bug: 'key-after-effect', check: 'crash' }),
  ])
  const verdicts = Object.fromEntries(
    good.report.results.map(({ ref, member, verdict }) => [`${ref} ${member}`, verdict]),
  )
  expect(verdicts).toMatchObject({
    'parcels.placeOrder idempotency': 'PASS',
    'parcels.placeOrder completion': 'PASS',
    // Whether each effect has its message cannot be seen from messages alone.
    'parcels.announceOrder delivery': 'WEAK',
  })
  expect(failures(bad.report)).toContain('placeOrder/crash')
})

test('a run that is stopped in the middle ends what it does: nothing is noted after its clean-up', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'spandrel-stopped-'))
  try {
    const file = join(folder, 'run.jsonl')
    const stop = new AbortController()
    const stopped = attackParcels(inject('postgres'), {
      bug: 'message-hangs',
      only: ['bookParcel'],
      check: 'message-timeout',
      carrier: true,
      kill: false,
      file,
      signal: stop.signal,
      onProgress: (words) => words.endsWith('held up') && stop.abort(),
    })
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' })
    const records = (await readFile(file, 'utf8')).trim().split('\n')
    const last = records.findLastIndex((line) => line.includes('"what":"heal"'))
    // It was held up, and did not wait for what would never come.
    expect(last).toBeGreaterThan(0)
    expect(records.slice(last).some((line) => line.includes('"settled":true'))).toBe(false)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('the contract of the twin on the runtime is up to date', async () => {
  expect(await checkGenerated(generateSystem(await parcelSystem()))).toEqual([])
})

test('every check of messages is named by a defect that it finds', () => {
  const named = new Set(Object.values(parcelBugs).map(({ failedBy }) => failedBy.slice(failedBy.indexOf('/') + 1)))
  expect(messageChecks.map(({ id }) => id).filter((id) => !named.has(id as never))).toEqual([])
})
