/**
 * A dependency holds up what is asked of it for a message, told by its marker, and answers everything else; what was
 * held up stays so for ever. Whoever keeps its `timeout` gives that up and tries again. At once for all operations of a
 * service: it takes as long as the longest time-out.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { ReceiveFacts } from '../plan/message-facts.ts'
import type { MessageAttack } from '../run/message-attack.ts'
import type { Profile } from '../run/profile.ts'

/** Undefined: no timeout is promised. A text: what is missing. */
export function hangable(operation: ReceiveFacts, dependencies: number, profile: Profile): true | string | undefined {
  if (operation.timeoutMs === undefined) return undefined
  if (dependencies === 0) return 'give a dependency to hold up: --dependency name=LISTEN:HOST:PORT'
  return (
    operation.timeoutMs * 2.5 + 500 < profile.timeoutMs ||
    `its timeout of ${operation.timeoutMs} ms is longer than this profile waits`
  )
}

/** From sending to the effect: one attempt that is given up, the retry, and what a good day takes. */
export function hungLimitMs({ timeoutMs = 0, retrySpanMs, probe }: ReceiveFacts): number {
  return timeoutMs * 1.5 + retrySpanMs + probe.settlesMs + 2000
}

type Attacked = readonly { attack: MessageAttack; latencyMs: number }[]

/** One operation of each channel at a time: a service may handle what comes on a channel one after the other. */
export async function messageHung(attacks: Attacked): Promise<void> {
  const channels = [...Map.groupBy(attacks, ({ attack }) => attack.operation.channel).values()]
  for (let at = 0; channels.some(({ length }) => length > at); at++)
    await hold(channels.flatMap((channel) => channel.slice(at, at + 1)))
}

async function hold(attacks: Attacked): Promise<void> {
  const [first] = attacks
  for (const dependency of first?.attack.given.dependencies ?? []) {
    const open = attacks.map(({ attack, latencyMs }) => {
      const about = `${dependency.name} takes what is asked of it for a message, never answers, and answers what comes later`
      const trial = attack.trial('message-hung', about)
      const sending = trial.message('first')
      return { attack, trial, latencyMs, sending, marker: sending.identity.marker }
    })
    await Promise.all(open.map(({ trial, sending }) => trial.lead([sending])))
    dependency.stall(open.map(({ marker }) => marker))
    for (const { attack, trial } of open) attack.history.addFault(trial.id, dependency.name, 'stall')
    const sent = open.map(({ trial, sending }) => trial.send([sending]))
    // Long enough for each to be held up, also by a service that was killed and takes its partitions again; what does not
    // ask this dependency never is.
    const longest = Math.max(...open.map(({ latencyMs }) => latencyMs))
    const clock = open[0]!.trial.clock
    const until = clock() + Math.max(longest * 4, 4000)
    while (clock() < until && open.some(({ marker }) => dependency.hitsAbout(marker) === 0)) await pause(5)
    dependency.abandon()
    for (const { attack, trial, marker } of open)
      attack.history.addFault(trial.id, dependency.name, 'heal', dependency.hitsAbout(marker))
    await Promise.all(
      open.map(async ({ attack, trial, sending }) => {
        await trial.effects([sending.identity.marker], 1, hungLimitMs(attack.operation))
      }),
    )
    dependency.heal()
    await Promise.all(sent)
  }
}
