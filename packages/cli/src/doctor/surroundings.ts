/** Checks of what is no database: clocks, tokens, addresses. */
import type { Query } from '@spandrel/runtime/operate'
import { httpState } from '../status/http-state.ts'
import { error, type Finding, warning } from './check.ts'

/** A database's clock against this machine's; the answer's own time on the way is allowed for. */
export async function clockFindings(query: Query, most: number, now: () => number = Date.now): Promise<Finding[]> {
  const before = now()
  const { rows } = await query<{ at: number }>('select extract(epoch from clock_timestamp())::float8 * 1000 as at', [])
  const after = now()
  const at = rows[0]?.at ?? Number.NaN
  const off = at < before ? at - before : at > after ? at - after : 0
  if (Math.abs(off) / 1000 <= most) return []
  const how = `${Math.abs(off / 1000).toFixed(1)} s ${off > 0 ? 'ahead of' : 'behind'}`
  return [
    warning(
      `the database's clock is ${how} this machine's: ages in status and journeys are wrong (leases are not: they go by the database's)`,
      'synchronise both, for example with chrony: chronyc makestep',
    ),
  ]
}

/** Tokens that open what should be closed: absent, or short enough to be guessed. */
export function tokenFindings(env: NodeJS.ProcessEnv): Finding[] {
  const findings: Finding[] = []
  const fresh = 'openssl rand -base64 32'
  const token = env['SPANDREL_MANAGEMENT_TOKEN'] ?? ''
  if (token === '')
    findings.push(
      warning(
        'SPANDREL_MANAGEMENT_TOKEN is not set here: health and metrics are open on the machine itself, and closed from elsewhere',
        `set it to the same value for services, gateway and this command: ${fresh}`,
      ),
    )
  else if (token.length < 16)
    findings.push(warning('SPANDREL_MANAGEMENT_TOKEN is shorter than 16 characters', `make a longer one: ${fresh}`))
  const secret = env['SPANDREL_CALLER_SECRET'] ?? ''
  if (secret === '' && env['SPANDREL_TRUST_CALLER'] === '1')
    findings.push(
      warning(
        'SPANDREL_TRUST_CALLER is 1 without SPANDREL_CALLER_SECRET: whoever reaches a service can say who they are',
        `set SPANDREL_CALLER_SECRET for gateway and services: ${fresh}`,
      ),
    )
  else if (secret !== '' && secret.length < 32)
    findings.push(
      error('SPANDREL_CALLER_SECRET is shorter than 32 characters: the gateway refuses it', `make another: ${fresh}`),
    )
  return findings
}

/** Nobody answers where spandrel.yaml says that a service is. */
export async function urlFindings(name: string, url: string): Promise<Finding[]> {
  const { state, why } = await httpState(url, undefined)
  if (state !== 'unreachable') return []
  return [
    error(`${name} cannot be reached at ${url}: ${why ?? ''}`, `start ${name}, or correct its url for where you are`),
  ]
}
