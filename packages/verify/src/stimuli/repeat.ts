/** The same request again: later, at once, while the first runs, elsewhere. */
import type { Attack, Sending } from '../run/attack.ts'
import { waitUntil } from '../run/attack.ts'
import { keyed, repeatable, type Stimulus } from './stimulus.ts'

export const sequence: Stimulus = {
  id: 'sequence',
  counted: true,
  alone: false,
  lasts: (_, latencyMs) => 3 * latencyMs,
  applies: (operation) => (repeatable(operation) ? true : undefined),
  async run(attack) {
    for (let round = 0; round < attack.profile.rounds; round++) {
      const trial = attack.trial('sequence', 'the same request three times, one after the other')
      await trial.send({ role: 'first' })
      await trial.send({ role: 'copy' })
      // A replay is a use of the key, too: what it leaves behind meets the next copy.
      await trial.send({ role: 'copy' })
    }
  },
}

export const burst: Stimulus = {
  id: 'burst',
  counted: true,
  alone: true,
  applies: (operation) => (repeatable(operation) ? true : undefined),
  async run(attack) {
    const { bursts, copies } = attack.profile
    for (let round = 0; round < bursts; round++) {
      const trial = attack.trial('burst', `${copies} copies at once`)
      await trial.together(Array.from({ length: copies }, (): Sending => ({ role: 'copy' })))
    }
  },
}

export const late: Stimulus = {
  id: 'late',
  counted: true,
  alone: true,
  applies: (operation) => (repeatable(operation) ? true : undefined),
  async run(attack, latencyMs) {
    for (const about of attack.profile.lateShares) {
      const share = Math.min(0.95, Math.max(0.05, about + (attack.random() - 0.5) * 0.1))
      // An answer may come sooner than the last ones did: the copy has then been too late, and is sent again.
      for (let attempt = 0; attempt < 3; attempt++) {
        const trial = attack.trial('late', `a copy at ${Math.round(share * 100)} % of the time of the first`, {
          share,
          latencyMs,
        })
        const copy = await trial.prepare({ role: 'copy' })
        const first = await trial.prepare({ role: 'first' })
        first.prepared.release()
        await waitUntil(trial.clock, trial.clock() + latencyMs * share)
        copy.prepared.release()
        const [end, copied] = [await first.ended, await copy.ended]
        if (end.firstByteAt === undefined || (copied.sentAt ?? Infinity) < end.firstByteAt) break
      }
    }
  },
}

/** A handler that is held up outlives leases that were made for a good day. */
export const stalledOverlap: Stimulus = {
  id: 'stalled-overlap',
  alone: true,
  applies(operation, given) {
    if (!repeatable(operation)) return undefined
    return given.dependencies.length > 0 || 'give a dependency to hold up: --dependency name=LISTEN:HOST:PORT'
  },
  lasts: (attack, latencyMs) => (stallMsOf(attack) + latencyMs) * attack.given.dependencies.length,
  async run(attack) {
    const stallMs = stallMsOf(attack)
    for (const dependency of attack.given.dependencies) {
      const trial = attack.trial(
        'stalled-overlap',
        `copies while ${dependency.name} is held up for ${Math.round(stallMs)} ms`,
        { stallMs },
      )
      dependency.stall()
      attack.history.addFault(trial.id, dependency.name, 'stall')
      const copies = await Promise.all(
        [0.3, 0.6, 0.9].map(async (share) => ({ share, sent: await trial.prepare({ role: 'copy' }) })),
      )
      const first = await trial.prepare({ role: 'first' })
      const began = trial.clock()
      first.prepared.release()
      for (const { share, sent } of copies) {
        await waitUntil(trial.clock, began + stallMs * share)
        sent.prepared.release()
      }
      await waitUntil(trial.clock, began + stallMs)
      attack.history.addFault(trial.id, dependency.name, 'heal', dependency.heal())
      await Promise.all([first.ended, ...copies.map(({ sent }) => sent.ended)])
    }
  },
}

/** Well inside the time that is promised: a handler that gives up is another test's matter. */
function stallMsOf({ operation: { timeoutMs = Infinity }, profile }: Attack): number {
  return Math.min(profile.stallMs, timeoutMs * 0.8)
}

export const instances: Stimulus = {
  id: 'instances',
  counted: true,
  alone: false,
  applies(operation, given) {
    if (!keyed(operation)) return undefined
    return given.instances.length > 1 || 'give the URL of every instance: --url http://…:7001 --url http://…:7002'
  },
  async run(attack) {
    const count = attack.given.instances.length
    // One after the other, and at once: two rounds are the least.
    for (let round = 0; round < attack.profile.rounds + 1; round++) {
      const trial = attack.trial('instances', `the same request to each of ${count} instances`)
      await trial.send({ role: 'first' })
      for (let instance = 1; instance < count; instance++) await trial.send({ role: 'copy', instance })
      const together = attack.trial('instances', `the same request to ${count} instances at once`)
      await together.together(Array.from({ length: count }, (_, instance): Sending => ({ role: 'copy', instance })))
    }
  },
}
