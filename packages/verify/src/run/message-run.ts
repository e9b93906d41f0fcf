/** The part of a run that is about messages: plans it, does it, and looks at what came of it. */
import { setTimeout as pause } from 'node:timers/promises'
import { completionChecks, receiveChecks, sendChecks } from '../checks/all-messages.ts'
import type { FaultProxy } from '../faults/tcp-proxy.ts'
import type { History } from '../history/history.ts'
import type { MessageRun } from '../history/message-records.ts'
import type { Untested } from '../history/records.ts'
import type { MessageFacts, ReceiveFacts } from '../plan/message-facts.ts'
import type { OperationFacts } from '../plan/operation-facts.ts'
import { keyPlace } from '../request/build-message.ts'
import { messageStimuli } from '../stimuli/all-messages.ts'
import { watchCompletion, watchReply } from '../stimuli/completion.ts'
import { hangable, messageHung } from '../stimuli/message-hung.ts'
import type { MessageStimulus } from '../stimuli/message-stimulus.ts'
import type { HeaderList } from '../wire/outgoing.ts'
import { isAllowedHost } from '../wire/allowed-host.ts'
import { PushRoad } from '../wire/push.ts'
import { StreamRoad } from '../wire/stream.ts'
import type { Attack } from './attack.ts'
import { Callbacks } from './callbacks.ts'
import { EffectReader, type HeldReader, type Orders } from './effect-reader.ts'
import { MessageAttack, type MessageGiven } from './message-attack.ts'
import type { Profile } from './profile.ts'
import type { ServiceProcess } from './service-process.ts'

export interface MessageOptions {
  readonly facts: MessageFacts
  /** the system's stream; messages are appended to it, and seen there */
  readonly stream?: StreamRoad
  /** where messages are pushed to instead */
  readonly push?: { readonly url: string; readonly mode: 'binary' | 'structured'; readonly headers?: HeaderList }
  readonly held?: HeldReader
  /** operation → the markers of an ordering key, the oldest effect first, where no operation lists them */
  readonly orders?: Orders
}

interface Context {
  readonly history: History
  readonly profile: Profile
  readonly prefix: string
  /** base URLs of the service; none where it has no HTTP operations */
  readonly instances: readonly string[]
  readonly headers: HeaderList
  readonly counters: Readonly<Record<string, (marker: string) => Promise<number>>>
  readonly dependencies: readonly FaultProxy[]
  readonly process?: ServiceProcess
  readonly next: (kind: string) => string
  readonly tell: (words: string) => void
  /** only the stimuli that this check judges */
  readonly check?: string
  readonly signal?: AbortSignal
}

export interface PlannedReceive {
  readonly operation: ReceiveFacts
  /** ids of the checks that can come to a verdict */
  readonly checks: readonly string[]
  readonly stimuli: readonly MessageStimulus[]
  readonly untested: readonly Untested[]
}

/** How long outcomes are waited for. */
const outcomeCapMs = { quick: 15_000, default: 60_000, deep: 900_000 } as const

/** Why no message is sent to an operation; undefined where it is attacked. */
export function messageLeftAlone({ probe }: ReceiveFacts, has: { road: boolean }): string | undefined {
  if (probe.marker === undefined || probe.example === undefined)
    return `its x-probe has no ${probe.marker === undefined ? '`marker`' : '`example`'}: nothing is sent to an operation whose effects nobody marked as a test's`
  return has.road ? undefined : 'say where its messages come from: --transport postgres://… or --push http://…/events'
}

export function planReceive(
  operation: ReceiveFacts,
  given: MessageGiven | undefined,
  profile: Profile,
): PlannedReceive {
  const all = (why: string): PlannedReceive => ({
    operation,
    stimuli: [],
    checks: [],
    untested: [{ ref: operation.ref, check: '*', why }],
  })
  const alone = messageLeftAlone(operation, { road: given !== undefined })
  if (given === undefined || alone !== undefined) return all(alone ?? '')
  const chosen: MessageStimulus[] = []
  const missing = new Map<string, string>()
  for (const stimulus of messageStimuli) {
    const applies = stimulus.applies(operation, given)
    if (applies === true) chosen.push(stimulus)
    else if (applies !== undefined) missing.set(stimulus.id, applies)
  }
  const planned = new Set(chosen.map(({ id }) => id))
  if (planned.has('message-crash')) for (const id of ['message-restart', 'order-crash']) planned.add(id)
  // One crash serves three ways of looking at it.
  for (const id of ['message-restart', 'order-crash']) {
    const why = missing.get('message-crash')
    if (why !== undefined) missing.set(id, why)
  }
  const untested: Untested[] = []
  const checks: string[] = []
  for (const check of receiveChecks) {
    const { id, member, stimuli } = check
    if (operation.promised[member] === undefined || !check.about(operation)) continue
    const lacking = stimuli.map((one) => missing.get(one)).find((why) => why !== undefined)
    const behind = id === 'behind-poison' || (id === 'past-poison' && operation.ordering !== 'none')
    const order = id === 'order-crash' ? missing.get('message-order') : behind ? keyless(operation) : undefined
    const hung = id === 'message-timeout' ? hangable(operation, given.dependencies.length, profile) : undefined
    if (hung === true) {
      checks.push(id)
      continue
    }
    const blind =
      member === 'deadLetter' || id === 'attempts' || id === 'behind-poison'
        ? deadOutOfSight(operation, given)
        : undefined
    const why = lacking ?? hung ?? order ?? blind
    if (why !== undefined) untested.push({ ref: operation.ref, check: id, why })
    // Some are about stimuli that have nothing to do with this operation.
    else if (stimuli.some((one) => planned.has(one))) checks.push(id)
  }
  return { operation, stimuli: chosen, checks, untested }
}

/** Nothing can be put behind a message whose key is not in its payload. */
function keyless(operation: ReceiveFacts): string | undefined {
  return keyPlace(operation) === undefined && operation.ordering !== 'total'
    ? 'its ordering key is not in the payload'
    : undefined
}

function deadOutOfSight({ deadLetter }: ReceiveFacts, { held }: MessageGiven): string | undefined {
  if (held || (deadLetter !== 'none' && deadLetter.channel !== undefined)) return undefined
  return 'nothing shows its dead letters: give `deadLetter` a `channel`, or, on the runtime, --database of the service'
}

export class MessageWork {
  readonly #options: MessageOptions
  readonly #context: Context
  readonly #reader: EffectReader
  readonly #planned: readonly PlannedReceive[]
  readonly #given: MessageGiven | undefined
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  readonly #running = new Set<Promise<void>>()
  /** HTTP operations whose effects are counted by messages */
  readonly #counted = new Set<string>()
  readonly #callbacks: Callbacks | undefined
  readonly watched: readonly string[]

  /** From here on, what comes on the channels of the service is seen. */
  static async begin(options: MessageOptions, context: Context): Promise<MessageWork> {
    const { facts, stream } = options
    const channels = [
      ...facts.sends.map(({ channel }) => channel),
      ...facts.receives.flatMap(({ deadLetter, probe: { emits } }) => [
        ...(deadLetter !== 'none' && deadLetter.channel !== undefined ? [deadLetter.channel] : []),
        ...(emits === undefined ? [] : [emits.channel]),
      ]),
      ...facts.completions.flatMap(({ channels: outcomes }) => Object.values(outcomes)),
    ]
    const wanted = [...new Set(channels)]
    const absent = stream === undefined ? wanted : await stream.watch(wanted)
    const { history, prefix, instances } = context
    const callsBack = facts.completions.some(({ by }) => by === 'callback')
    // What runs elsewhere cannot call this machine's 127.0.0.1.
    const near = callsBack && (await Promise.all(instances.map((one) => isAllowedHost(one)))).every(Boolean)
    const callbacks = near ? await Callbacks.start(history, prefix, facts.completions) : undefined
    return new MessageWork(
      options,
      context,
      wanted.filter((channel) => !absent.includes(channel)),
      callbacks,
    )
  }

  private constructor(
    options: MessageOptions,
    context: Context,
    watched: readonly string[],
    callbacks: Callbacks | undefined,
  ) {
    this.#options = options
    this.#context = context
    this.#callbacks = callbacks
    this.watched = watched
    const { history, instances, headers, counters, prefix, process, dependencies } = context
    const [base] = instances
    const { stream, push, held, orders, facts } = options
    this.#signal = AbortSignal.any([this.#stop.signal, ...(context.signal === undefined ? [] : [context.signal])])
    this.#reader = new EffectReader({
      history,
      headers,
      counters,
      prefix,
      ...(base !== undefined && { base }),
      ...(stream !== undefined && { stream }),
      ...(held !== undefined && { held }),
      ...(orders !== undefined && { orders }),
    })
    const road =
      push === undefined
        ? stream
        : new PushRoad({
            ...push,
            timeoutMs: context.profile.timeoutMs,
            giveUpMs: outcomeCapMs[context.profile.name],
            signal: this.#signal,
          })
    this.#given =
      road === undefined
        ? undefined
        : {
            road,
            dependencies,
            signal: this.#signal,
            held: held !== undefined,
            listed: Object.keys(orders ?? {}),
            siblings: facts.receives,
            ...(process !== undefined && { process }),
          }
    this.#planned = facts.receives.map((one) => planReceive(one, this.#given, context.profile))
  }

  /** Of an HTTP operation whose effects nothing else counts: what counts them by the messages that show them. */
  counterOf({ ref, operation, probe }: OperationFacts): ((marker: string) => Promise<number>) | undefined {
    if (probe.oracle === 'strong' || probe.marker === undefined || operation in this.#context.counters) return undefined
    const shows = this.#options.facts.sends.flatMap(({ shownBy }) => shownBy).find((one) => one.ref === ref)
    if (shows === undefined || shows.emits.times === 0 || !this.watched.includes(shows.emits.channel)) return undefined
    this.#counted.add(ref)
    return this.#reader.countBy(operation, shows.emits)
  }

  /** Where the outcome of a request is to be called back; undefined: its operation calls nobody back. */
  callbackUrl(ref: string, trial: string): string | undefined {
    return this.#callbacks?.url(ref, trial)
  }

  get facts(): MessageRun {
    const road = this.#given?.road.kind
    const { sends } = this.#options.facts
    const { push } = this.#options
    return {
      ...this.#options.facts,
      sends: sends.map((send) => ({
        ...send,
        shownBy: send.shownBy.map((one) => (this.#counted.has(one.ref) ? { ...one, counts: true } : one)),
      })),
      ...(road !== undefined && { road }),
      ...(push !== undefined && { push: { url: push.url, mode: push.mode } }),
      watched: this.watched,
      outcomeCapMs: outcomeCapMs[this.#context.profile.name],
    }
  }

  get untested(): Untested[] {
    const { sends, completions, unwatched } = this.#options.facts
    const blind = (channels: readonly string[]): boolean => channels.some((one) => !this.watched.includes(one))
    const elsewhere =
      'verify is called back at 127.0.0.1, which a service on another machine cannot reach: run verify beside it'
    const transport = 'say where its messages can be seen: --transport postgres://…'
    return [
      ...this.#planned.flatMap(({ untested }) => untested),
      ...sends.flatMap(({ ref, channel, shownBy }) => {
        if (shownBy.length === 0)
          return [
            { ref, check: '*', why: `no operation says with \`emits\` in x-probe that its effect shows on ${channel}` },
          ]
        return blind([channel]) ? [{ ref, check: '*', why: transport }] : []
      }),
      ...completions.flatMap(({ ref, by, channels }) => {
        const far = by === 'callback' && this.#callbacks === undefined
        const why = far ? elsewhere : transport
        return far || blind(Object.values(channels)) ? completionChecks.map(({ id }) => ({ ref, check: id, why })) : []
      }),
      ...unwatched.flatMap(({ ref, member, why }) =>
        [...completionChecks, ...sendChecks].flatMap((one) =>
          one.member === member ? [{ ref, check: one.id, why }] : [],
        ),
      ),
    ]
  }

  /** `attacks`: of the HTTP operations that can be used. */
  async run(attacks: readonly Attack[]): Promise<void> {
    const { tell, check, signal } = this.#context
    const chosen = (ids: readonly string[]): boolean => check === undefined || ids.includes(check)
    // What is sent is judged from everything that was done.
    const everything = chosen(sendChecks.map(({ id }) => id))
    const completions = this.#options.facts.completions.filter(
      ({ channels, by }) =>
        chosen(completionChecks.map(({ id }) => id)) &&
        Object.values(channels).every((channel) => this.watched.includes(channel)) &&
        (by !== 'callback' || this.#callbacks !== undefined),
    )
    for (const facts of completions) {
      const attack = attacks.find(({ operation }) => operation.ref === facts.ref)
      if (attack === undefined) continue
      tell(`${facts.ref}: completion`)
      const capMs = outcomeCapMs[attack.profile.name]
      await watchCompletion(attack, { facts, reader: this.#reader, capMs }, this.#callbacks)
    }
    const usable: { one: PlannedReceive; attack: MessageAttack; latencyMs: number }[] = []
    for (const one of this.#planned) {
      const replies =
        completions.some(({ ref }) => ref === one.operation.ref) && one.untested.every(({ check }) => check !== '*')
      if ((one.stimuli.length === 0 && !replies) || this.#given === undefined) continue
      tell(`${one.operation.ref}: one message, one effect?`)
      const attack = this.#attackOn(one.operation, this.#given)
      const latencyMs = await this.#preflight(attack)
      if (latencyMs !== undefined) usable.push({ one, attack, latencyMs })
    }
    for (const facts of completions) {
      const attack = usable.find(({ one }) => one.operation.ref === facts.ref)?.attack
      if (attack === undefined) continue
      tell(`${facts.ref}: completion`)
      const capMs = outcomeCapMs[attack.profile.name]
      await this.#awaited(watchReply(attack, { facts, reader: this.#reader, capMs }))
    }
    const needed = receiveChecks.find(({ id }) => id === check)?.stimuli
    for (const when of ['together', 'alone', 'last'] as const) {
      for (const { one, attack, latencyMs } of usable) {
        const stimuli = one.stimuli.filter(
          (stimulus) =>
            stimulus.when === when &&
            (everything ||
              needed?.includes(stimulus.id) === true ||
              (stimulus.id === 'message-crash' &&
                needed?.some((id) => id === 'message-restart' || id === 'order-crash') === true)),
        )
        if (stimuli.length === 0) continue
        signal?.throwIfAborted()
        tell(`${one.operation.ref}: ${stimuli.map(({ id }) => id).join(', ')}`)
        const runs = (stimulus: MessageStimulus): Promise<void> => this.#awaited(stimulus.run(attack, latencyMs))
        if (when === 'together') await Promise.all(stimuli.map(runs))
        else for (const stimulus of stimuli) await runs(stimulus)
      }
      if (when === 'alone' && (everything || check === 'message-timeout')) await this.#hold(usable)
    }
  }

  /** All at once: it takes as long as the longest time-out. */
  async #hold(usable: readonly { attack: MessageAttack; latencyMs: number }[]): Promise<void> {
    const { profile, tell, signal } = this.#context
    const held = usable.filter(
      ({ attack: { operation, given } }) => hangable(operation, given.dependencies.length, profile) === true,
    )
    if (held.length === 0) return
    signal?.throwIfAborted()
    tell(`${held.map(({ attack }) => attack.operation.ref).join(', ')}: held up`)
    await this.#awaited(messageHung(held))
  }

  async #awaited(work: Promise<void>): Promise<void> {
    this.#running.add(work)
    await work.finally(() => this.#running.delete(work))
  }

  /** Ends what is still being done, and mends what is broken for it. */
  async close(): Promise<void> {
    this.#stop.abort(new Error('the run is over'))
    await Promise.allSettled(this.#running)
    for (const dependency of this.#context.dependencies) dependency.heal()
    await this.#callbacks?.close()
  }

  #attackOn(operation: ReceiveFacts, given: MessageGiven): MessageAttack {
    const { profile, history, next } = this.#context
    return new MessageAttack({ operation, given, profile, history, reader: this.#reader, next })
  }

  /** The median time from sending a message to its effect; undefined where there was none. */
  async #preflight(attack: MessageAttack): Promise<number | undefined> {
    const times: number[] = []
    for (let call = 0; call < 3; call++) {
      const trial = attack.trial('message-baseline', 'one plain message')
      const first = trial.message('first')
      const { marker } = first.identity
      trial.note(`${marker}:before`, await this.#reader.read(attack.operation, marker), false)
      const began = trial.clock()
      await trial.send([first])
      if (!(await trial.effects([marker]))) return undefined
      times.push(trial.clock() - began)
    }
    return times.sort((a, b) => a - b)[1]
  }

  /** Counts all again when everything had its time, and notes what came on the channels. */
  async finish(): Promise<void> {
    const { history, profile, tell } = this.#context
    const settles = this.#options.facts.receives.map(({ probe }) => probe.settlesMs)
    const wait = Math.min(Math.max(300, ...settles), profile.settleCapMs)
    const sentAny = history.records.some(({ type }) => type === 'message')
    if (sentAny) {
      tell(`waiting ${(wait / 1000).toFixed(1)} s for the effects of messages`)
      await pause(wait, undefined, { signal: this.#signal })
    }
    // A second effect may have come after what was seen; and one that was given up for lost, late.
    const readings = new Map(
      history.records.flatMap((record) =>
        record.type === 'effects' && !/:(before|poison)$/.test(record.marker)
          ? [[`${record.trial} ${record.marker}`, record] as const]
          : [],
      ),
    )
    const byRef = new Map(this.#options.facts.receives.map((one) => [one.ref, one]))
    await Promise.all(
      [...readings.values()].map(async ({ ref, trial, marker }) => {
        const operation = byRef.get(ref)
        if (operation === undefined) return
        const reading = await this.#reader.read(operation, marker)
        history.add({ type: 'effects', ref, trial, marker, at: history.clock(), settled: true, ...reading })
      }),
    )
    if (this.watched.length === 0) return
    await this.#reader.collect()
    history.add({ type: 'collected', at: history.clock() })
  }
}
