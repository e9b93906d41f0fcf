/**
 * `call`: another service's HTTP operation, as its contract allows.
 *
 * Deadline: the least of the provider's `timeout`, what is left of the incoming request, and the runtime's own limit.
 * Retries: as many as the provider's `retry` says, with the same key, and only where a second try cannot be a second
 * effect: the operation is `natural`, or its key was sent, or no connection was made at all. Not promised: that a
 * call which failed had no effect.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { ServerErrorStatus } from '../contract/http-status.ts'
import type { ContractTypes, ServiceContract, UseContract } from '../contract/service-contract.ts'
import { SpandrelError } from '../errors.ts'
import { faults } from '#faults'
import type { JournalEntry } from '../inbox/journal.ts'
import { fingerprint } from '../message/canonical.ts'
import { childTraceparent } from '../message/trace.ts'
import { CALLER_SIGNATURE_HEADER, signCaller } from '../operations/caller-signature.ts'
import { Breaker, type BreakerOptions, type BreakerState } from './breaker.ts'
import { CallError } from './call-error.ts'
import { type CallInput, callRequest, type CallRequest, keyHeader } from './call-request.ts'
import { refuseInTransaction } from './in-transaction.ts'
import { type CallAnswer, isRetryable, pauseBefore, tryOnce } from './try.ts'

/** What a call resolves with: every declared answer but the provider's own failures (5xx). */
type Called<Answer> = Answer extends { status: infer Status }
  ? [Extract<Status, ServerErrorStatus>] extends [never]
    ? Answer
    : [Exclude<Status, ServerErrorStatus>] extends [never]
      ? never
      : Omit<Answer, 'status'> & { status: Exclude<Status, ServerErrorStatus> }
  : Answer

/**
 * Calls `<service>.<operation>` and resolves with its answer (`status`, `body`, `headers`): any below 500 that the
 * provider's contract declares. Rejects with a `CallError` for any other end, with `call-in-transaction` inside a
 * handler's transaction.
 */
export type Call<T extends ContractTypes> = <Ref extends keyof T['uses'] & string>(
  ref: Ref,
  input: T['uses'][Ref]['input'],
) => Promise<Called<T['uses'][Ref]['answer']>>

/** What a call takes along from the work it belongs to. */
export interface CallContext {
  readonly correlationid: string
  readonly causationid?: string | undefined
  readonly traceparent?: string | undefined
  readonly tracestate?: string | undefined
  /** epoch milliseconds: when the work must have ended */
  readonly deadline?: number | undefined
  readonly signal?: AbortSignal | undefined
  /**
   * Identifies the work over all its attempts (an incoming key, a message): keys of calls are derived from it, so a
   * retry of the work repeats its calls with the same keys. Absent: a key is random, and stable for one call.
   */
  readonly seed?: string | undefined
  /** the very key to send, where the work has one to pass on */
  readonly key?: string | undefined
}

export interface CallerOptions {
  /** base URLs by service name; default: the environment variable the contract names, then its default */
  urls?: Readonly<Record<string, string>>
  breaker?: BreakerOptions
  /** limit of one try where the provider's contract has no `timeout`; default 10 s */
  timeoutMs?: number
  /** largest answer that is read; default 1 MiB */
  maxAnswerBytes?: number
  /** signs who calls, for providers that believe only that */
  callerSecret?: string
  /** told once a call */
  journal?: (entry: JournalEntry) => void
  onTry?: (ref: string, outcome: string) => void
}

export interface Caller {
  /** One logical call. */
  call(ref: string, input: CallInput, context: CallContext): Promise<CallAnswer>
  /** `call` for one piece of work: equal inputs get keys of their own, in the order in which they are called. */
  within(context: CallContext): (ref: string, input: CallInput) => Promise<CallAnswer>
  /** state of each provider's breaker, by service */
  breakers(): ReadonlyMap<string, BreakerState>
}

export function createCaller(contract: ServiceContract, options: CallerOptions = {}): Caller {
  const breakers = new Map<string, Breaker>()
  const breakerOf = (service: string): Breaker => {
    let breaker = breakers.get(service)
    if (breaker === undefined) breakers.set(service, (breaker = new Breaker(options.breaker)))
    return breaker
  }

  const send = async (use: UseContract, request: CallRequest, context: CallContext): Promise<CallAnswer> => {
    const breaker = breakerOf(use.service)
    const retry = use.guarantees.retry
    const attempts = retry === 'none' ? 1 : Math.max(1, retry.attempts)
    const end = context.deadline ?? Number.POSITIVE_INFINITY
    for (let tries = 1; ; tries++) {
      const entry = breaker.enter()
      if (entry.refusedMs !== undefined) {
        throw new CallError(
          use.ref,
          'breaker-open',
          `${use.ref} was not called: ${use.service} failed too often just before`,
          {
            tries: tries - 1,
            retryAfterMs: entry.refusedMs,
          },
        )
      }
      const key = keyHeader(use)
      // The mutant is a caller that has never heard of keys: each try is news to the provider.
      if (key !== undefined && faults.mutant('keys-off')) request.headers[key] = randomUUID()
      const limitMs = Math.min(use.guarantees.timeoutMs ?? options.timeoutMs ?? 10_000, end - Date.now())
      const tried = await tryOnce(use, request, {
        limitMs,
        signal: context.signal,
        maxBytes: options.maxAnswerBytes ?? 1024 * 1024,
      })
      entry.ended(!tried.providerIsDown)
      options.onTry?.(use.ref, tried.error?.reason ?? 'ok')
      if (tried.error === undefined) return tried.answer
      const { error } = tried
      const waitMs = pauseBefore(retry, tries, error.retryAfterMs)
      const again = tries < attempts && isRetryable(use, request, error) && Date.now() + waitMs < end
      if (!again || context.signal?.aborted === true) {
        throw new CallError(error.ref, error.reason, error.message, {
          ...(error.status !== undefined && { status: error.status }),
          body: error.body,
          tries,
          retryAfterMs: error.retryAfterMs,
          cause: error.cause,
        })
      }
      await pause(waitMs, undefined, context.signal === undefined ? {} : { signal: context.signal }).catch(() => {})
    }
  }

  const call = async (ref: string, input: CallInput, context: CallContext, nth: number): Promise<CallAnswer> => {
    refuseInTransaction(ref)
    const use = Object.hasOwn(contract.uses, ref) ? (contract.uses as Record<string, UseContract>)[ref] : undefined
    if (use === undefined) {
      throw new SpandrelError('wrong-configuration', `${contract.service} does not use ${ref}`, {
        hint: `declare it under services.${contract.service}.uses in spandrel.yaml and run \`spandrel generate\``,
      })
    }
    const request = callRequest(use, baseUrl(use, options.urls), input)
    request.headers['correlation-id'] = context.correlationid
    request.headers['traceparent'] = childTraceparent(context.traceparent)
    if (context.tracestate !== undefined) request.headers['tracestate'] = context.tracestate
    request.headers['spandrel-caller'] = contract.source
    if (options.callerSecret !== undefined) {
      const { pathname, search } = new URL(request.url)
      const signed = {
        caller: contract.source,
        service: use.service,
        method: request.method,
        target: pathname + search,
      }
      request.headers[CALLER_SIGNATURE_HEADER] = signCaller(options.callerSecret, signed)
    }
    const header = keyHeader(use)
    if (header !== undefined) request.headers[header] ??= context.key ?? derivedKey(context.seed, ref, input, nth)
    const startedAt = Date.now()
    const told = (detail: Record<string, unknown>): void =>
      options.journal?.({
        kind: 'call',
        operation: ref,
        correlationid: context.correlationid,
        causationid: context.causationid,
        source: contract.source,
        // The row's own time is that of its commit, after whatever the call led to.
        detail: { ...detail, at: new Date(startedAt).toISOString(), ms: Date.now() - startedAt },
      })
    try {
      const answer = await send(use, request, context)
      told({ outcome: 'ok', status: answer.status })
      return answer
    } catch (error) {
      if (error instanceof CallError) told({ outcome: error.reason, status: error.status, tries: error.tries })
      throw error
    }
  }

  return {
    call: (ref, input, context) => call(ref, input, context, 0),
    within(context) {
      const counts = new Map<string, number>()
      return (ref, input) => {
        const same = fingerprint(ref, input)
        const nth = counts.get(same) ?? 0
        counts.set(same, nth + 1)
        return call(ref, input, context, nth)
      }
    },
    breakers: () => new Map([...breakers].map(([service, breaker]) => [service, breaker.state])),
  }
}

/** The same for every attempt of the same work, another for everything else. */
function derivedKey(seed: string | undefined, ref: string, input: CallInput, nth: number): string {
  return seed === undefined ? randomUUID() : fingerprint(seed, ref, input, nth)
}

function baseUrl(use: UseContract, urls: Readonly<Record<string, string>> | undefined): string {
  const url = urls?.[use.service] ?? process.env[use.url.env] ?? use.url.default
  if (url !== undefined && url !== '') return url
  throw new SpandrelError('wrong-configuration', `the address of ${use.service} is not known`, {
    hint: `set ${use.url.env}`,
  })
}
