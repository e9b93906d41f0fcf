/** What the service calls back: each trial has a URL, and whoever watches it looks before the call is answered. */
import { setTimeout as pause } from 'node:timers/promises'
import type { History } from '../history/history.ts'
import type { CompletionFacts } from '../plan/completion-facts.ts'
import { type Call, CallbackReceiver } from '../wire/callback-receiver.ts'

/** A probe that waits for the very process that waits for our answer must not stop it. */
const lookMs = 250

export class Callbacks {
  readonly #prefix: string
  readonly #receiver: CallbackReceiver
  /** token → its trial, and whose callbacks come there */
  readonly #trials = new Map<string, { trial: string; facts: CompletionFacts }>()
  readonly #watchers = new Map<string, (call: Call) => Promise<void>>()
  readonly #facts: ReadonlyMap<string, CompletionFacts>

  static async start(history: History, prefix: string, completions: readonly CompletionFacts[]): Promise<Callbacks> {
    const known = new Map(completions.filter(({ by }) => by === 'callback').map((one) => [one.ref, one]))
    const made: { callbacks?: Callbacks } = {}
    const receiver = await CallbackReceiver.start({
      clock: history.clock,
      answer: async (call) => await made.callbacks?.answer(call),
      onCall: (call, answered) => {
        const { trial = '', facts } = made.callbacks?.of(call) ?? {}
        const { at, method, rest, body } = call
        history.add({ type: 'called', trial, at, method, rest, body, answered, headers: telling(call, facts) })
      },
    })
    made.callbacks = new Callbacks(prefix, receiver, known)
    return made.callbacks
  }

  private constructor(prefix: string, receiver: CallbackReceiver, facts: ReadonlyMap<string, CompletionFacts>) {
    this.#prefix = prefix
    this.#receiver = receiver
    this.#facts = facts
  }

  /** The URL that a request of this trial gives; undefined: the operation calls nobody back. */
  url(ref: string, trial: string): string | undefined {
    const facts = this.#facts.get(ref)
    if (facts === undefined) return undefined
    // None is a part of another.
    const token = `${this.#prefix}-${trial}x`
    this.#trials.set(token, { trial, facts })
    return this.#receiver.url(token)
  }

  watch(trial: string, watcher: (call: Call) => Promise<void>): void {
    this.#watchers.set(trial, watcher)
  }

  of({ token }: Call): { trial: string; facts: CompletionFacts } | undefined {
    return this.#trials.get(token)
  }

  async answer(call: Call): Promise<number | undefined> {
    const known = this.of(call)
    if (known === undefined) return undefined
    const looked = this.#watchers.get(known.trial)?.(call)
    if (looked !== undefined) await Promise.race([looked, pause(lookMs)])
    const { calls = [] } = known.facts
    return (calls.find(({ method }) => method === call.method) ?? calls[0])?.status
  }

  async close(): Promise<void> {
    await this.#receiver.close()
  }
}

/** Ids and types: what a service authenticates with is nobody's business. */
function telling({ headers }: Call, facts: CompletionFacts | undefined): Record<string, string> {
  const { correlation } = facts ?? {}
  const own = correlation !== undefined && 'name' in correlation ? correlation.name.toLowerCase() : undefined
  const kept = Object.entries(headers).filter(
    ([name]) => name.startsWith('ce-') || name === 'webhook-id' || name === own,
  )
  return Object.fromEntries(kept)
}
