/** The service is killed while requests are on their way; the clients ask again when it is back. */
import { setTimeout as pause } from 'node:timers/promises'
import { needsProcess } from './message-stimulus.ts'
import { repeatable, type Stimulus } from './stimulus.ts'

export const crash: Stimulus = {
  id: 'crash',
  alone: true,
  applies(operation, given) {
    if (!repeatable(operation)) return undefined
    return given.process === undefined ? needsProcess : true
  },
  async run(attack, latencyMs) {
    const { process } = attack.given
    if (process === undefined) return
    for (const share of attack.profile.name === 'quick' ? [0.4, 0.9] : [0.2, 0.4, 0.6, 0.8, 1]) {
      const trials = Array.from({ length: 6 }, () =>
        attack.trial('crash', `killed after ${Math.round(share * 100)} % of the time, and asked again`, { share }),
      )
      const sent = await Promise.all(trials.map((trial) => trial.prepare({ role: 'gone' })))
      // One after the other, so that each is somewhere else when the kill comes.
      const began = attack.history.clock()
      for (const { prepared } of sent) {
        prepared.release()
        await pause(Math.min(latencyMs / 8, 20))
      }
      await pause(Math.max(0, latencyMs * share - (attack.history.clock() - began)))
      const note = (what: 'killed' | 'ready' | 'failed', more: Record<string, unknown> = {}): void => {
        for (const trial of trials)
          attack.history.add({ type: 'process', trial: trial.id, what, at: trial.clock(), ...more })
      }
      note('killed', { confirmed: await attack.uncounted(() => process.kill()) })
      await Promise.all(sent.map(({ ended }) => ended))
      try {
        await attack.uncounted(() => process.start())
      } catch (error) {
        note('failed', { why: error instanceof Error ? error.message : String(error) })
        return
      }
      note('ready')
      await Promise.all(trials.map((trial) => trial.insist({ role: 'retry' }, 5000)))
    }
  },
}
