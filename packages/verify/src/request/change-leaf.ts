/** `x-probe.example` with one value changed that is neither marker nor key. */
import type { OperationFacts } from '../plan/operation-facts.ts'
import { changeBody } from '../twice/change-body.ts'

export function changeLeaf(operation: OperationFacts): unknown {
  const body = JSON.stringify(operation.probe.example ?? null)
  const changed = changeBody({ method: 'POST', url: 'http://127.0.0.1/', headers: [], body })
  return changed === undefined ? operation.probe.example : (JSON.parse(changed.body) as unknown)
}
