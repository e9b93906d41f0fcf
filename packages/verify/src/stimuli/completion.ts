/** Sends a request whose work is finished later, and watches what becomes of it. */
import { setTimeout as pause } from 'node:timers/promises'
import type { CompletionFacts } from '../plan/message-facts.ts'
import type { Attack, Trial } from '../run/attack.ts'
import type { EffectReader } from '../run/effect-reader.ts'
import { prepare } from '../wire/prepare.ts'
import { isWithin } from '../wire/within.ts'

/** `capMs`: outcomes are waited for at most so long, whatever is promised. */
export async function watchCompletion(
  attack: Attack,
  facts: CompletionFacts,
  reader: EffectReader,
  capMs: number,
): Promise<void> {
  const plain = Array.from({ length: Math.max(2, attack.profile.rounds) }, () => undefined)
  const given = Object.entries(facts.inputs).map(([outcome, input]) => ({ outcome, input }))
  await Promise.all(
    [...plain, ...given].map(async (wanted) => {
      const about =
        wanted === undefined
          ? 'accepted, and watched until there is an outcome'
          : `accepted, and watched until it is ${wanted.outcome}`
      const trial = attack.trial('completion', about, wanted && { expected: wanted.outcome })
      const { correlation } = facts
      const header = correlation !== undefined && 'name' in correlation ? correlation.name : undefined
      const end = await trial.send({
        role: 'first',
        ...(wanted && { input: wanted.input }),
        ...(header !== undefined && { headers: [[header, trial.marker]] as const }),
      })
      if (end.type !== 'ok') return
      const until = (end.sentAt ?? trial.clock()) + Math.min((facts.withinMs ?? Infinity) * 1.1 + 300, capMs)
      const look: Look = {
        attack,
        trial,
        facts,
        reader,
        ask: facts.by === 'status' ? stateAt(attack, trial, end.headers ?? {}, facts) : stateSeen(trial, facts, reader),
      }
      await watch(look, until)
    }),
  )
}

interface Look {
  attack: Attack
  trial: Trial
  facts: CompletionFacts
  reader: EffectReader
  /** an outcome or another state; undefined: nothing yet */
  ask: () => Promise<{ outcome?: string; why?: string }>
}

async function watch({ attack, trial, facts, reader, ask }: Look, until: number): Promise<void> {
  const { history, operation } = attack
  const terminal = [...facts.success, ...facts.failure]
  const note = (more: { outcome?: string; effects?: number; why?: string }): void =>
    history.add({ type: 'outcome', trial: trial.id, marker: trial.marker, at: history.clock(), ...more })
  let told: string | undefined
  let stayUntil = until
  for (;;) {
    const { outcome, why } = await ask()
    if (why !== undefined) {
      note({ why })
      return
    }
    if (outcome !== undefined && outcome !== told && terminal.includes(outcome)) {
      const { count, why: unread } = await reader.read(operation, trial.marker)
      note({ outcome, ...(count !== undefined && { effects: count }), ...(unread !== undefined && { why: unread }) })
      // One that changes again, or comes twice, does so soon.
      if (told === undefined) stayUntil = history.clock() + Math.min(1000, Math.max(300, operation.probe.settlesMs))
      told = outcome
    }
    if (history.clock() > (told === undefined ? until : stayUntil)) break
    await pause(20)
  }
  if (told === undefined) note({})
}

function stateSeen(trial: Trial, facts: CompletionFacts, reader: EffectReader): Look['ask'] {
  return async () => {
    await reader.collect()
    const found = reader.seen.find(
      ({ channel, attributes, data }) =>
        facts.channels[attributes['type'] ?? ''] === channel &&
        (data.includes(trial.marker) || attributes['correlationid'] === trial.marker),
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
): Look['ask'] {
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
    return state === undefined ? {} : { outcome: state }
  }
}

/** A member of the answer that is one of the outcomes. */
function stateIn(body: string, terminal: readonly string[]): string | undefined {
  try {
    const value: unknown = JSON.parse(body)
    const members = value !== null && typeof value === 'object' ? Object.values(value) : []
    return members.find((one): one is string => typeof one === 'string' && terminal.includes(one))
  } catch {
    return undefined
  }
}
