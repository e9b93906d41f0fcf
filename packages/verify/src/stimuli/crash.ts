/** The service is killed while requests are on their way; the clients ask again when it is back. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Attack } from '../run/attack.ts'
import type { ServiceProcess } from '../run/service-process.ts'
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
      let died = await kill(attack, process, share, { latencyMs })
      // A quick service has answered before a slow kill comes: then the requests go all along the way of the kill.
      for (let again = 0; again < 2 && died?.underWay === 0; again++)
        died = await kill(attack, process, share, { latencyMs, killMs: died.killMs })
      if (died === undefined) return
    }
  },
}

/** Returns how many requests had no answer when it died, and how long the kill took; undefined: it did not come back. */
async function kill(
  attack: Attack,
  process: ServiceProcess,
  share: number,
  { latencyMs, killMs }: { latencyMs: number; killMs?: number },
): Promise<{ underWay: number; killMs: number } | undefined> {
  const { clock } = attack.history
  const trials = Array.from({ length: 6 }, () =>
    attack.trial('crash', `killed after ${Math.round(share * 100)} % of the time, and asked again`, { share }),
  )
  const sent = await Promise.all(trials.map((trial) => trial.prepare({ role: 'gone' })))
  const die = async (): Promise<{ confirmed: boolean; tookMs: number }> => {
    const from = clock()
    const confirmed = await attack.uncounted(() => process.kill())
    return { confirmed, tookMs: clock() - from }
  }
  const began = clock()
  let dying = killMs === undefined ? undefined : die()
  // One after the other, so that each is somewhere else when the kill comes.
  for (const { prepared } of sent) {
    prepared.release()
    await pause(killMs === undefined ? Math.min(latencyMs / 8, 20) : killMs / sent.length)
  }
  if (dying === undefined) {
    await pause(Math.max(0, latencyMs * share - (clock() - began)))
    dying = die()
  }
  const { confirmed, tookMs } = await dying
  const note = (what: 'killed' | 'ready' | 'failed', more: Record<string, unknown> = {}): void => {
    for (const trial of trials)
      attack.history.add({ type: 'process', trial: trial.id, what, at: trial.clock(), ...more })
  }
  note('killed', { confirmed })
  const ends = await Promise.all(sent.map(({ ended }) => ended))
  try {
    await attack.uncounted(() => process.start())
  } catch (error) {
    note('failed', { why: error instanceof Error ? error.message : String(error) })
    return undefined
  }
  note('ready')
  await Promise.all(trials.map((trial) => trial.insist({ role: 'retry' }, 5000)))
  return { underWay: ends.filter(({ status }) => status === undefined).length, killMs: tookMs }
}
