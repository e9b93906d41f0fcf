/** Keys that are planted in one run and sent again in another, when their retention ends. */
import { callerDigest, type Planted } from '../ledger/ledger.ts'
import { keyed, type Stimulus } from './stimulus.ts'

export const planted: Stimulus = {
  id: 'planted',
  alone: false,
  applies: (operation, given) =>
    keyed(operation) && given.ledger !== undefined && given.due === undefined ? true : undefined,
  async run(attack) {
    const { operation, given } = attack
    if (typeof operation.idempotency === 'string') return
    for (const send of ['before', 'after'] as const) {
      const trial = attack.trial('planted', `planted, to be sent again ${send} its retention ends`)
      const sent = await trial.prepare({ role: 'first' })
      sent.prepared.release()
      const end = await sent.ended
      if (end.type !== 'ok' || trial.key === undefined) continue
      const own = given.callers[0] ?? []
      const { invoke } = sent
      given.ledger!.plant({
        type: 'planted',
        id: trial.key,
        ref: operation.ref,
        key: trial.key,
        marker: trial.marker,
        at: new Date().toISOString(),
        retentionMs: operation.idempotency.retentionMs,
        send,
        request: {
          method: invoke.method,
          path: invoke.url.slice(given.instances[0]!.replace(/\/$/, '').length),
          headers: sent.outgoing.headers.filter(
            ([name, value]) => !own.some(([one, its]) => one === name && its === value),
          ),
          ...(invoke.body !== undefined && { body: invoke.body }),
        },
        caller: callerDigest(own),
        answer: { status: end.status!, headers: end.headers ?? {}, body: end.body ?? '' },
      })
    }
  },
}

export const due: Stimulus = {
  id: 'due',
  alone: false,
  applies(operation, given) {
    if (!keyed(operation)) return undefined
    if (given.due?.some(({ ref }) => ref === operation.ref) === true) return true
    return given.ledger === undefined
      ? 'plant keys with --ledger FILE, and send them again when their retention ends: --ledger FILE --due'
      : 'its keys were planted, and are not due yet: --ledger FILE --due'
  },
  async run(attack) {
    const { given, operation } = attack
    for (const entry of given.due ?? []) {
      if (entry.ref !== operation.ref) continue
      // Claimed first: of two runs at once only one sends it.
      const trial = attack.trial('due', `the same request ${when(entry)}`, {
        send: entry.send,
        retentionMs: entry.retentionMs,
        // At the trial's own time.
        ageMs: Date.now() - Date.parse(entry.at),
        planted: entry.at,
        answer: entry.answer,
      })
      if (!given.ledger!.claim(entry.id, attack.run)) {
        attack.history.add({
          type: 'effects',
          ref: operation.ref,
          trial: trial.id,
          marker: entry.marker,
          at: trial.clock(),
          settled: false,
          why: 'another run was quicker and sends it',
        })
        continue
      }
      await trial.count(entry.marker, `${entry.marker}:before`)
      await trial.send({ role: 'copy', key: entry.key, marker: entry.marker, exactly: entry.request })
    }
  },
}

function when({ at, retentionMs, send }: Planted): string {
  const share = Math.round(((Date.now() - Date.parse(at)) / retentionMs) * 100)
  return `${send === 'before' ? 'shortly before' : 'after'} the end of its retention (${share} % of it)`
}
