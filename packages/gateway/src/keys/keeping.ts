/** Which keys this gateway keeps, and whether it is set up to keep them. */
import type { Expression, HttpOperation, Service } from '@spandrel/contract'
import { type GatewayOptions, wrong } from '../options.ts'
import { KeptKey } from './kept-key.ts'

export interface Keeping {
  readonly hasDatabase: boolean
  /** where a token names the tenant */
  readonly tenant: Expression | undefined
}

/** undefined: the service keeps its keys itself. */
export function keepingOf({ system, database, auth }: GatewayOptions, service: Service): Keeping | undefined {
  if (service.keys === 'service') return undefined
  return { hasDatabase: database !== undefined, tenant: auth?.tenant ?? system.gateway?.tenant }
}

/** undefined: the operation has no key. Throws where its contract promises what this gateway cannot keep. */
export function keptKeyOf(operation: HttpOperation, keeping: Keeping, timeoutMs: number): KeptKey | undefined {
  const { idempotency } = operation.guarantees.values
  if (typeof idempotency !== 'object') return undefined
  const { file, line, column } = operation.location
  const where = `${operation.service}.${operation.operation}\n  ${file}:${line}:${column}`
  if (!keeping.hasDatabase) {
    throw wrong(
      `the gateway has no database to keep the keys of ${where}`,
      'set `gateway.database` in spandrel.yaml (or GATEWAY_DATABASE_URL) and run `spandrel migrate --gateway`; where the service keeps its keys itself, say `keys: service`',
    )
  }
  if (idempotency.scope === 'tenant' && keeping.tenant?.source !== 'request.jwt') {
    throw wrong(
      `the gateway cannot tell tenants, and keys belong to them at ${where}`,
      'set `gateway.tenant` in spandrel.yaml to the claim that names the tenant: $request.jwt#/tenant',
    )
  }
  return new KeptKey(operation, idempotency, { timeoutMs, tenant: keeping.tenant })
}
