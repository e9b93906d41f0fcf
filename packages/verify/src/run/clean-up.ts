/** Removes what a run made, marker by marker, by the operation that `x-probe.cleanup` names; says where it cannot. */
import type { History } from '../history/history.ts'
import { onlyReads, type OperationFacts } from '../plan/operation-facts.ts'
import { askRequest } from '../request/build-request.ts'
import type { HeaderList } from '../wire/outgoing.ts'
import { prepare } from '../wire/prepare.ts'
import { pool } from './pool.ts'
import type { Profile } from './profile.ts'

export async function cleanUp(
  history: History,
  operations: readonly OperationFacts[],
  base: string,
  headers: HeaderList,
  { name, serviceMs }: Pick<Profile, 'name' | 'serviceMs'>,
): Promise<void> {
  // As long again as the attack may take, and no longer.
  const until = history.clock() + serviceMs
  // What a later run looks for stays.
  const planted = new Set(
    history.records.flatMap((record) =>
      record.type === 'trial' && record.stimulus === 'planted' ? [record.trial] : [],
    ),
  )
  for (const operation of operations) {
    const { ref, probe } = operation
    const markers = new Set(
      history.records.flatMap((record) =>
        record.type === 'invoke' && record.ref === ref && !planted.has(record.trial) ? [record.marker] : [],
      ),
    )
    if (markers.size === 0 || onlyReads(operation)) continue
    let cleaned = 0
    let why = typeof probe.cleanup === 'string' ? probe.cleanup : 'its x-probe has no `cleanup`'
    const { cleanup } = probe
    if (typeof cleanup === 'object') {
      let lost = false
      await pool(4, [...markers], async (marker) => {
        // A service that is gone is not asked a hundred times.
        if (lost) return
        if (history.clock() > until) {
          why = `the ${serviceMs / 1000} s that \`${name}\` gives to cleaning up were over`
          return
        }
        const prepared = prepare(askRequest(cleanup, base, marker, headers), {
          within: [base],
          clock: history.clock,
          timeoutMs: 5000,
        })
        await prepared.ready
        prepared.release()
        const { outcome } = await prepared.done
        // 404 and 410: nothing was there, or nothing is any more.
        const gone =
          outcome.kind === 'answer' && (outcome.answer.status < 300 || [404, 410].includes(outcome.answer.status))
        if (gone) cleaned++
        else why = outcome.kind === 'answer' ? `it was answered ${outcome.answer.status}` : outcome.why
        lost ||= outcome.kind !== 'answer'
      })
    }
    const left = cleaned < markers.size
    history.add({ type: 'cleanup', ref, at: history.clock(), markers: markers.size, cleaned, ...(left && { why }) })
  }
}
