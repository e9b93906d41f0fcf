/** The same message again: later, at once, with another id, after something broke. */
import { intentIsApart } from '../request/build-message.ts'
import { randomUUID } from 'node:crypto'
import { keyPlace, intentIsKey } from '../request/build-message.ts'
import type { ReceiveFacts } from '../plan/message-facts.ts'
import type { MessageStimulus } from './message-stimulus.ts'

/** Handling it twice is promised to be harmless. */
const once = (operation: ReceiveFacts): true | undefined =>
  operation.promised.idempotency !== undefined ? true : undefined

export const messageCopy: MessageStimulus = {
  id: 'message-copy',
  when: 'together',
  applies: once,
  async run(attack) {
    for (let round = 0; round < attack.profile.rounds; round++) {
      const trial = attack.trial('message-copy', 'the same message twice more, after its effect')
      const first = trial.message('first')
      await trial.send([first])
      if (!(await trial.effects([first.identity.marker]))) continue
      // The first copy is a use of what was noted, too: it meets the second.
      for (let copy = 0; copy < 2; copy++) await trial.send([{ ...first, role: 'copy' }])
      // What comes behind the copy on its key shows that the copy was taken in.
      const behind = trial.message(
        'behind',
        intentIsKey(attack.operation) ? undefined : trial.identity(first.identity.key),
      )
      await trial.send([behind])
      await trial.effects([behind.identity.marker])
    }
  },
}

export const messagesAtOnce: MessageStimulus = {
  id: 'messages-at-once',
  when: 'together',
  applies: once,
  async run(attack) {
    const { bursts, copies } = attack.profile
    for (let round = 0; round < Math.ceil(bursts / 2); round++) {
      const trial = attack.trial('messages-at-once', `${copies} copies of a message at once`)
      const first = trial.message('copy')
      await trial.send(
        Array.from({ length: copies }, () => first),
        { together: true },
      )
      await trial.effects([first.identity.marker])
    }
  },
}

export const sameIntent: MessageStimulus = {
  id: 'same-intent',
  when: 'together',
  applies: (operation) => (once(operation) && intentIsApart(operation) ? true : undefined),
  async run(attack) {
    const trial = attack.trial('same-intent', 'the same content with another id, after its effect')
    const first = trial.message('first')
    await trial.send([first])
    if (!(await trial.effects([first.identity.marker]))) return
    const again = { ...first.identity, id: randomUUID() }
    await trial.send([trial.message('again', again)])
    const behind = trial.message(
      'behind',
      intentIsKey(attack.operation) ? undefined : trial.identity(first.identity.key),
    )
    await trial.send([behind])
    await trial.effects([behind.identity.marker])
  },
}

export const messageOrder: MessageStimulus = {
  id: 'message-order',
  when: 'together',
  applies: (operation, given) => orderable(operation, given.listed),
  async run(attack) {
    const trials = Math.max(2, attack.profile.rounds)
    await Promise.all(
      Array.from({ length: trials }, async () => {
        const trial = attack.trial('message-order', '8 messages of one key, some of them twice')
        const { key } = trial.identity()
        const sequence = Array.from({ length: 8 }, () => trial.message('next', trial.identity(key)))
        const copies = sequence.flatMap((one, at) => {
          const earlier = sequence[at - 2]
          return at % 3 === 2 && earlier !== undefined ? [one, { ...earlier, role: 'copy' }] : [one]
        })
        await trial.send(copies)
        const markers = sequence.map(({ identity }) => identity.marker)
        await trial.effects(markers)
        await trial.order(key, markers)
      }),
    )
  },
}

/** Undefined: order is not promised, or there is nothing to put in order. */
export function orderable(operation: ReceiveFacts, listed: readonly string[] = []): true | string | undefined {
  if (operation.promised.ordering === undefined || operation.ordering === 'none') return undefined
  if (intentIsKey(operation))
    return 'its messages have one intent a key, so a key has one effect and there is nothing to put in order'
  if (keyPlace(operation) === undefined && operation.ordering !== 'total')
    return 'its ordering key is not in the payload'
  const { order, emits } = operation.probe
  if (listed.includes(operation.operation)) return true
  return order !== undefined || emits !== undefined || 'nothing shows the order: give x-probe an `order` or `emits`'
}

/** A dependency fails for a moment: the message has its effect in the end. */
export const messageTransient: MessageStimulus = {
  id: 'message-transient',
  when: 'alone',
  applies(operation, given) {
    if (operation.promised.delivery === undefined && operation.promised.retry === undefined) return undefined
    return given.dependencies.length > 0 || 'give a dependency to break: --dependency name=LISTEN:HOST:PORT'
  },
  async run(attack, latencyMs) {
    for (const dependency of attack.given.dependencies) {
      const trial = attack.trial(
        'message-transient',
        `${dependency.name} is gone while a message comes, and comes back`,
      )
      dependency.refuse()
      attack.history.addFault(trial.id, dependency.name, 'refuse')
      const first = trial.message('first')
      // A pusher goes on trying until it is answered well.
      const sent = trial.send([first])
      // Until it is tried, and no longer: the attempts are not to be used up. Who does not need the dependency never does.
      const until = trial.clock() + Math.max(latencyMs * 5, 1500)
      while (trial.clock() < until && dependency.hits === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      attack.history.addFault(trial.id, dependency.name, 'heal', dependency.heal())
      await sent
      await trial.effects([first.identity.marker])
    }
  },
}
