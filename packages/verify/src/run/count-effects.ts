/** Counts effects: of one marker, and of all when they had their time. */
import { setTimeout as pause } from 'node:timers/promises'
import type { History } from '../history/history.ts'
import type { EffectsRecord, InvokeRecord } from '../history/records.ts'
import type { OperationFacts } from '../plan/operation-facts.ts'
import { countOf, probeRequest } from '../request/build-request.ts'
import type { HeaderList } from '../wire/outgoing.ts'
import { prepare } from '../wire/prepare.ts'
import type { Budget } from './budget.ts'
import { pool } from './pool.ts'

type Reading = Pick<EffectsRecord, 'count' | 'why'>
/** By operation: how many effects a marker has. */
export type Counters = Readonly<Record<string, (marker: string) => Promise<number>>>

/** readings at a time */
const width = 8

/** Counts the effects of a marker, in a database or by an operation of the service. */
export class Probe {
  readonly #history: History
  readonly #base: string
  readonly #headers: HeaderList
  readonly #counters: Counters
  #longestMs = 0

  constructor(history: History, base: string, headers: HeaderList, counters: Counters = {}) {
    this.#history = history
    this.#counters = counters
    this.#base = base
    this.#headers = headers
  }

  /** How long counting `markers` takes, by what a reading has taken so far; ms. */
  countingMs(markers: number): number {
    return Math.ceil(markers / width) * this.#longestMs
  }

  /** `leftMs`: no answer is waited for longer. */
  async read(operation: OperationFacts, marker: string, leftMs = Infinity): Promise<Reading> {
    const began = this.#history.clock()
    const reading = await this.#read(operation, marker, began + leftMs)
    this.#longestMs = Math.max(this.#longestMs * 0.9, this.#history.clock() - began)
    return reading
  }

  async #read(operation: OperationFacts, marker: string, until: number): Promise<Reading> {
    const counter = this.#counters[operation.operation]
    if (counter !== undefined) {
      return await counter(marker).then(
        (count) => ({ count }),
        (error: unknown) => ({ why: `the database said: ${error instanceof Error ? error.message : String(error)}` }),
      )
    }
    const request = probeRequest(operation, this.#base, marker, this.#headers)
    if (request === undefined)
      return { why: operation.probe.oracle === 'strong' ? 'there is no probe' : operation.probe.oracle.weak }
    let why = ''
    for (let attempt = 0; attempt < 3; attempt++) {
      const timeoutMs = Math.min(5000, Math.ceil(until - this.#history.clock()))
      if (timeoutMs <= 0) break
      const prepared = prepare(request, { within: [this.#base], clock: this.#history.clock, timeoutMs })
      await prepared.ready
      prepared.release()
      const { outcome } = await prepared.done
      if (outcome.kind === 'answer') {
        const count = countOf(operation, outcome.answer.status, outcome.answer.body)
        if (typeof count === 'number') return { count }
        why = count
      } else why = outcome.why
    }
    return { why: why === '' ? 'there was no time for it' : why }
  }
}

interface Settling {
  readonly history: History
  readonly operations: readonly OperationFacts[]
  readonly probe: Probe
  readonly budget: Budget
  readonly tell: (words: string) => void
  readonly signal: AbortSignal | undefined
}

/** How long to wait before the last count, after the one that follows `settles`; ms. */
export function lastWaitMs(settlesMs: number): number {
  return Math.max(settlesMs, 1000)
}

/** Waits until every effect had its time, then counts each marker. */
export async function settle(settling: Settling): Promise<void> {
  const { budget, tell, signal } = settling
  const counted = countedOf(settling)
  if (counted === undefined) return
  const wait = Math.min(counted.longestMs, budget.profile.settleCapMs)
  tell(`waiting ${(wait / 1000).toFixed(1)} s for effects to settle`)
  await pause(wait, undefined, { signal })
  await countAll(settling, counted.markers, ({ probe }) => probe.settlesMs <= wait)
}

/** Counts all once more, a while later: a second effect may come after `settles`. Not where the time is over. */
export async function countLast(settling: Settling): Promise<void> {
  const { budget, probe, tell, signal } = settling
  const counted = countedOf(settling)
  if (counted === undefined) return
  const waited = Math.min(counted.longestMs, budget.profile.settleCapMs)
  const wait = lastWaitMs(waited)
  if (budget.leftMs() < wait + probe.countingMs(counted.markers.length)) return
  tell(`waiting ${(wait / 1000).toFixed(1)} s for effects that come twice`)
  await pause(wait, undefined, { signal })
  await countAll(settling, counted.markers, (operation) => operation.probe.settlesMs <= waited + wait)
}

/** The markers that were sent to operations whose effects can be counted; undefined: none. */
function countedOf({ history, operations }: Settling): { markers: InvokeRecord[]; longestMs: number } | undefined {
  const settlesOf = new Map(
    operations.filter(({ probe }) => probe.oracle === 'strong').map(({ ref, probe }) => [ref, probe.settlesMs]),
  )
  const invokes = history.records.filter(
    (record): record is InvokeRecord => record.type === 'invoke' && settlesOf.has(record.ref),
  )
  if (invokes.length === 0) return undefined
  const markers = new Map(invokes.map((invoke) => [`${invoke.trial} ${invoke.marker}`, invoke]))
  return { markers: [...markers.values()], longestMs: Math.max(...invokes.map(({ ref }) => settlesOf.get(ref) ?? 0)) }
}

async function countAll(
  { history, operations, probe, budget, tell }: Settling,
  markers: readonly InvokeRecord[],
  isSettled: (operation: OperationFacts) => boolean,
): Promise<void> {
  const byRef = new Map(operations.map((operation) => [operation.ref, operation]))
  let done = 0
  await pool(width, markers, async ({ trial, marker, ref }) => {
    const operation = byRef.get(ref)!
    // What is not counted is not judged: its check is inconclusive.
    if (budget.leftMs() <= 0) {
      const why = `the ${budget.profile.serviceMs / 1000} s of this run were over: a longer --profile, or fewer --operation`
      history.add({ type: 'effects', ref, trial, marker, at: history.clock(), settled: false, why })
      return
    }
    const reading = await probe.read(operation, marker, budget.leftMs())
    const settled = isSettled(operation)
    history.add({ type: 'effects', ref, trial, marker, at: history.clock(), settled, ...reading })
    if (++done % 20 === 0) tell(`counting effects: ${done} of ${markers.length}`)
  })
}
