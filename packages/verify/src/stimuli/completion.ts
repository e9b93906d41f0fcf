/** Begins work that is finished later, and watches what becomes of it. */
import { setTimeout as pause } from 'node:timers/promises'
import { stateIn, outcomeOfCall } from '../history/outcome-of-call.ts'
import type { History } from '../history/history.ts'
import type { CompletionFacts } from '../plan/completion-facts.ts'
import type { Attack, Trial } from '../run/attack.ts'
import type { Callbacks } from '../run/callbacks.ts'
import type { Counted, EffectReader } from '../run/effect-reader.ts'
import type { MessageAttack } from '../run/message-attack.ts'
import { prepare } from '../wire/prepare.ts'
import { isWithin } from '../wire/within.ts'

export interface Watching {
  readonly facts: CompletionFacts
  readonly reader: EffectReader
  /** outcomes are waited for at most so long, whatever is promised; ms */
  readonly capMs: number
}

/** Plain inputs, and those that must end in an outcome. */
function inputsOf({ inputs }: CompletionFacts, rounds: number): ({ outcome: string; input: unknown } | undefined)[] {
  const plain = Array.from({ length: Math.max(2, rounds) }, () => undefined)
  return [...plain, ...Object.entries(inputs).map(([outcome, input]) => ({ outcome, input }))]
}

function aboutIt(begun: string, wanted: { outcome: string } | undefined): string {
  return `${begun}, and watched until ${wanted === undefined ? 'there is an outcome' : `it is ${wanted.outcome}`}`
}

/** `callbacks`: where the service calls, if it does. */
export async function watchCompletion(
  attack: Attack,
  { facts, reader, capMs }: Watching,
  callbacks: Callbacks | undefined,
): Promise<void> {
  await Promise.all(
    inputsOf(facts, attack.profile.rounds).map(async (wanted) => {
      const trial = attack.trial('completion', aboutIt('accepted', wanted), wanted && { expected: wanted.outcome })
      const { correlation } = facts
      const header = correlation !== undefined && 'name' in correlation ? correlation.name : undefined
      const { history, operation } = attack
      const called: { outcome?: string } = {}
      const look = { history, operation, trial: trial.id, marker: trial.marker, facts, reader }
      callbacks?.watch(trial.id, async (call) => {
        const outcome = outcomeOfCall(facts, call)
        if (outcome === undefined) return
        await noteOutcome(look, outcome)
        called.outcome ??= outcome
      })
      const end = await trial.send({
        role: 'first',
        ...(wanted && { input: wanted.input }),
        ...(header !== undefined && { headers: [[header, trial.marker]] as const }),
      })
      if (end.type !== 'ok') return
      const until = (end.sentAt ?? trial.clock()) + Math.min((facts.withinMs ?? Infinity) * 1.1 + 300, capMs)
      const ask =
        facts.by === 'status'
          ? stateAt(attack, trial, end.headers ?? {}, facts)
          : facts.by === 'callback'
            ? async () => called
            : stateSeen(trial.marker, facts, reader)
      await watch({ ...look, ask, noted: facts.by === 'callback' }, until)
    }),
  )
}

/** The same of work that a message begins. */
export async function watchReply(attack: MessageAttack, { facts, reader, capMs }: Watching): Promise<void> {
  await Promise.all(
    inputsOf(facts, attack.profile.rounds).map(async (wanted) => {
      const trial = attack.trial('completion', aboutIt('a message', wanted), wanted && { expected: wanted.outcome })
      const first = trial.message('first', trial.identity(), wanted?.input)
      const { marker } = first.identity
      const sentAt = trial.clock()
      await trial.send([first])
      const until = sentAt + Math.min((facts.withinMs ?? Infinity) * 1.1 + 300, capMs)
      const { history, operation } = attack
      const ask = stateSeen(marker, facts, reader)
      await watch({ history, operation, trial: trial.id, marker, facts, reader, ask, noted: false }, until)
    }),
  )
}

interface Look {
  readonly history: History
  readonly operation: Counted
  readonly trial: string
  readonly marker: string
  readonly facts: CompletionFacts
  readonly reader: EffectReader
}

/** With the effects that there are now. */
async function noteOutcome({ history, operation, trial, marker, reader }: Look, outcome: string): Promise<void> {
  const { count, why } = await reader.read(operation, marker)
  history.add({
    type: 'outcome',
    trial,
    marker,
    at: history.clock(),
    outcome,
    ...(count !== undefined && { effects: count }),
    ...(why !== undefined && { why }),
  })
}

interface Asking extends Look {
  /** an outcome; absent: nothing yet, and with `none` a whole answer said so */
  readonly ask: () => Promise<{ outcome?: string; why?: string; none?: boolean }>
  /** whoever is asked notes it */
  readonly noted: boolean
}

async function watch({ ask, noted, ...look }: Asking, until: number): Promise<void> {
  const { history, operation, trial, marker, facts } = look
  const terminal = [...facts.success, ...facts.failure]
  let told: string | undefined
  let stayUntil = until
  for (;;) {
    const { outcome, why, none = false } = await ask()
    if (told !== undefined && none) {
      history.add({ type: 'outcome', trial, marker, at: history.clock(), takenBack: true })
      return
    }
    if (why !== undefined) {
      history.add({ type: 'outcome', trial, marker, at: history.clock(), why })
      return
    }
    if (outcome !== undefined && outcome !== told && terminal.includes(outcome)) {
      if (!noted) await noteOutcome(look, outcome)
      // One that changes again, or comes twice, does so soon.
      if (told === undefined) stayUntil = history.clock() + Math.min(1000, Math.max(300, operation.probe.settlesMs))
      told = outcome
    }
    if (history.clock() > (told === undefined ? until : stayUntil)) break
    await pause(20)
  }
  if (told === undefined) history.add({ type: 'outcome', trial, marker, at: history.clock() })
}

function stateSeen(marker: string, facts: CompletionFacts, reader: EffectReader): Asking['ask'] {
  return async () => {
    await reader.collect()
    const found = reader.seen.find(
      ({ channel, attributes, data }) =>
        facts.channels[attributes['type'] ?? ''] === channel &&
        (data.includes(marker) || attributes['correlationid'] === marker),
    )
    return found?.attributes['type'] === undefined ? {} : { outcome: found.attributes['type'] }
  }
}

/** RFC 7240's way: the answer's `Location` is where the outcome can be asked for. */
function stateAt(
  attack: Attack,
  trial: Trial,
  headers: Readonly<Record<string, string>>,
  facts: CompletionFacts,
): Asking['ask'] {
  const location = headers['location']
  const terminal = [...facts.success, ...facts.failure]
  if (location === undefined)
    return async () => ({ why: 'the answer has no Location where the outcome could be asked for' })
  const { instances } = attack.given
  if (!URL.canParse(location, instances[0])) return async () => ({ why: `the Location ${location} is no URL` })
  const url = new URL(location, instances[0]).href
  if (!isWithin(url, instances)) {
    return async () => ({
      why: `the Location ${url} is elsewhere than the service and was not asked: let it answer with a path, or give that address with --url too`,
    })
  }
  const own = attack.given.callers[0] ?? []
  return async () => {
    const prepared = prepare(
      { method: 'GET', url, headers: [['Accept', 'application/json'], ...own] },
      { within: instances, clock: trial.clock, timeoutMs: 5000 },
    )
    await prepared.ready
    prepared.release()
    const { outcome } = await prepared.done
    if (outcome.kind !== 'answer' || outcome.answer.status >= 500) return {}
    if (outcome.answer.status >= 400) return { why: `${url} was answered ${outcome.answer.status}` }
    const state = stateIn(outcome.answer.body, terminal)
    return state === undefined ? { none: outcome.answer.status === 200 } : { outcome: state }
  }
}
