/** The service is killed while it handles messages, and started again. */
import type { MessageAttack, MessageTrial, Sending } from '../run/message-attack.ts'
import { type MessageStimulus, needsProcess } from './message-stimulus.ts'
import { orderable } from './messages.ts'

/**
 * Kills, notes what was unfinished, does what is to be done `meanwhile`, starts, and waits until it is ready. False: it
 * did not come back.
 */
async function crash(
  attack: MessageAttack,
  trials: readonly { trial: MessageTrial; unfinished: number }[],
  meanwhile: () => Promise<void>,
): Promise<boolean> {
  const { process } = attack.given
  if (process === undefined) return false
  const note = (what: 'killed' | 'ready' | 'failed', more: (unfinished: number) => Record<string, unknown>): void => {
    for (const { trial, unfinished } of trials)
      attack.history.add({ type: 'process', trial: trial.id, what, at: trial.clock(), ...more(unfinished) })
  }
  const confirmed = await process.kill()
  note('killed', (unfinished) => ({ confirmed, unfinished }))
  await meanwhile()
  try {
    await process.start()
  } catch (error) {
    note('failed', () => ({ why: error instanceof Error ? error.message : String(error) }))
    return false
  }
  note('ready', () => ({}))
  return true
}

/**
 * Two things at once, because a start takes long: messages that are being handled when the kill comes, of many keys and
 * of one; and a message that was done before, and comes again after it.
 */
export const messageCrash: MessageStimulus = {
  id: 'message-crash',
  when: 'alone',
  applies(operation, given) {
    const { delivery, idempotency, ordering } = operation.promised
    if (delivery === undefined && idempotency === undefined && ordering === undefined) return undefined
    return given.process === undefined ? needsProcess : true
  },
  async run(attack, latencyMs) {
    // Early, when much is unfinished, and in the middle, when something is half done.
    for (const moment of attack.profile.name === 'quick' ? [0, 1] : [0, 0.5, 1, 1.5, 2]) {
      const done = attack.trial('message-restart', 'the same message again, after a restart')
      const first = done.message('first')
      await done.send([first])
      const wasDone = await done.effects([first.identity.marker])

      const burst = attack.trial('message-crash', 'killed while messages are being handled')
      const sendings = Array.from({ length: 24 }, () => burst.message('first'))
      const inOrder = orderable(attack.operation, attack.given.listed) === true
      const line = attack.trial('order-crash', 'messages of one key, the service killed among them')
      const { key } = line.identity()
      const sequence = inOrder ? Array.from({ length: 10 }, () => line.message('next', line.identity(key))) : []
      const [before, waiting, after] = [sequence.slice(0, 6), sequence.slice(6, 8), sequence.slice(8)]
      const deliveries = [burst.send(sendings), ...(inOrder ? [line.send(before)] : [])]
      // A pusher goes on trying while the service is away; the stream has taken them at once.
      const delivered = Promise.all(deliveries)
      const isStream = attack.given.road.kind === 'stream'
      if (isStream) await delivered
      const unfinished = await watched(burst, sendings, moment * latencyMs)
      const openInLine = before.length - (await line.count(before.map(({ identity }) => identity.marker)))
      const back = await crash(
        attack,
        [
          { trial: burst, unfinished },
          { trial: done, unfinished: wasDone ? 0 : 1 },
          { trial: line, unfinished: openInLine + (isStream ? waiting.length : 0) },
        ],
        // However quick it was before: whoever comes back finds more than one of the line.
        async () => (inOrder && isStream ? await line.send(waiting) : undefined),
      )
      if (!back) {
        await delivered.catch(() => {})
        return
      }
      await done.send([{ ...first, role: 'copy' }])
      await delivered
      const copies = sequence.slice(3, 5).map((one) => ({ ...one, role: 'copy' }))
      if (inOrder) await line.send([...copies, ...(isStream ? [] : waiting), ...after])
      const markers = sequence.map(({ identity }) => identity.marker)
      await Promise.all([
        burst.effects(sendings.map(({ identity }) => identity.marker)),
        ...(inOrder ? [line.effects(markers)] : []),
      ])
      if (inOrder) await line.order(key, markers)
    }
  },
}

/** Waits until something is done and not all, or the time is up; returns how many had no effect then. */
async function watched(trial: MessageTrial, sendings: readonly Sending[], longestMs: number): Promise<number> {
  const markers = sendings.map(({ identity }) => identity.marker)
  const until = trial.clock() + longestMs
  for (;;) {
    const done = await trial.count(markers)
    if (done > 0 || trial.clock() >= until) return markers.length - done
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
