import type { System } from '../model/system.ts'

/** Whether the gateway keeps key records: for a service of ours that has an operation with a key and keeps none. */
export function gatewayKeepsKeys(system: System): boolean {
  return Object.values(system.services).some(
    ({ external, keys, operations }) =>
      !external &&
      keys === 'gateway' &&
      Object.values(operations).some(({ guarantees }) => typeof guarantees.values.idempotency === 'object'),
  )
}
