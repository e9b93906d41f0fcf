/** A message that always fails, with healthy ones around it and behind it. */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { intentIsKey, skipsPoison } from '../request/build-message.ts'
import type { MessageStimulus } from './message-stimulus.ts'

export const poison: MessageStimulus = {
  id: 'poison',
  when: 'last',
  applies(operation, given) {
    const { promised, probe } = operation
    if (promised.deadLetter === undefined && promised.retry === undefined) return undefined
    // A pushed service answers; giving up is its pusher's.
    if (given.road.kind === 'push')
      return 'who pushes gives up, not the service: verify the pusher on its stream, with --transport'
    return probe.poison === undefined ? 'give a message that always fails: `poison` in x-probe' : true
  },
  async run(attack, latencyMs) {
    const { operation, profile } = attack
    const trial = attack.trial('poison', 'a message that always fails, healthy ones around it')
    const around = (length: number): ReturnType<typeof trial.message>[] =>
      Array.from({ length }, () => trial.message('around'))
    // Those behind it in its partition are what it may hold back: of more, more are there. A slow service gets fewer.
    const many = latencyMs * 30 < attack.patienceMs ? 24 : 6
    const bad = trial.identity()
    // Where the key is the intent, whatever comes behind the poison is told from it by the time it came.
    const apart = !intentIsKey(operation)
    const skips = skipsPoison(operation)
    const behind = apart
      ? Array.from({ length: skips ? 4 : 2 }, () => trial.message('behind', trial.identity(bad.key)))
      : [trial.message('behind', { ...bad, id: randomUUID() })]
    const [before, after] = [around(6), around(many)]
    const failing = trial.message('poison', bad, operation.probe.poison)
    await trial.send([...before, failing, ...(apart ? behind : []), ...after])
    await trial.effects([...before, ...after].map(({ identity }) => identity.marker))
    const until = trial.clock() + attack.patienceMs
    while (!(await attack.reader.dead(operation, trial.id, bad)) && trial.clock() < until) await pause(50)
    if (!apart) {
      trial.note(`${bad.marker}:poison`, await attack.reader.read(operation, bad.marker), true)
      await trial.send(behind)
    } else if (skips) {
      // It may let go of those that waited, and still hold back whatever comes once it is dead.
      const late = trial.message('behind', trial.identity(bad.key))
      behind.push(late)
      await trial.send([late])
    }
    const markers = behind.map(({ identity }) => identity.marker)
    // Those behind it: as long as one that is not held back would take, several times over.
    if (skips) {
      await trial.effects(markers)
      if (apart && operation.ordering !== 'none') await trial.order(bad.key, markers)
    } else {
      await pause(Math.min(Math.max(operation.probe.settlesMs, 500), profile.settleCapMs))
      for (const marker of markers) trial.note(marker, await attack.reader.read(operation, marker), true)
    }
    if (apart) trial.note(bad.marker, await attack.reader.read(operation, bad.marker), true)
  },
}
