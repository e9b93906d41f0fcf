/** Notices that the service went away while it was attacked, and what was being done to it then. */
import { setTimeout as pause } from 'node:timers/promises'
import type { History } from '../history/history.ts'
import type { EndRecord, InvokeRecord } from '../history/records.ts'
import { prepare } from '../wire/prepare.ts'

/** for a supervisor to start it again */
const patienceMs = 5000

export class Liveness {
  readonly #history: History
  #looked = 0
  /** nobody listens, and nobody came back */
  gone = false

  constructor(history: History) {
    this.#history = history
  }

  /** Waits for the service where it refused a request, and notes that it did not come back. */
  async look(): Promise<void> {
    const { records, clock } = this.#history
    const fresh = records.slice(this.#looked)
    this.#looked = records.length
    const refused = fresh.find((one): one is EndRecord => 'why' in one && one.type === 'fail' && isRefused(one.why))
    // What the run killed itself is not gone by itself.
    const killed = records.some((one) => one.type === 'process')
    if (this.gone || refused === undefined || killed) return
    const invoke = records.find((one) => one.type === 'invoke' && one.id === refused.id)
    if (invoke?.type !== 'invoke') return
    const until = clock() + patienceMs
    while (await isDown(invoke.url)) {
      if (clock() > until) {
        this.#note(invoke)
        return
      }
      await pause(50)
    }
  }

  #note({ instance, at: deadAt, trial }: InvokeRecord): void {
    this.gone = true
    const { records, clock } = this.#history
    const ends = new Map(
      records.flatMap((one) => (('why' in one || 'status' in one) && 'id' in one ? [[one.id, one]] : [])),
    )
    const answered = records.flatMap((one) => ('status' in one && one.at < deadAt ? [one.at] : []))
    const alive = Math.max(0, ...answered)
    // Sent while it lived or later, and never answered.
    const cut = records.filter((one): one is InvokeRecord => {
      if (one.type !== 'invoke' || one.at >= deadAt) return false
      const end = ends.get(one.id)
      return end === undefined || (!('status' in end) && !isRefused(end.why) && end.at >= alive)
    })
    const trials = new Set(cut.length > 0 ? cut.map((one) => one.trial) : [trial])
    const during = new Map(
      records.flatMap((one) =>
        one.type === 'trial' && trials.has(one.trial)
          ? [[`${one.ref} ${one.stimulus}`, { ref: one.ref, stimulus: one.stimulus }]]
          : [],
      ),
    )
    this.#history.add({
      type: 'down',
      instance,
      at: clock(),
      deadAt,
      waitedMs: patienceMs,
      during: [...during.values()],
      unanswered: cut.length > 0,
    })
  }
}

function isRefused(why: string | undefined): boolean {
  return why?.startsWith('nobody listens') === true
}

async function isDown(url: string): Promise<boolean> {
  const prepared = prepare({ method: 'HEAD', url, headers: [] }, { within: [url], timeoutMs: 1000 })
  await prepared.ready
  prepared.release()
  const { outcome } = await prepared.done
  return outcome.kind !== 'answer' && isRefused(outcome.why)
}
