/**
 * The gateway as a process:
 *
 *   node --conditions=spandrel-source packages/gateway/src/main.ts --config spandrel.yaml [--port 8080] [--host 0.0.0.0]
 *
 * Environment: GATEWAY_PORT and GATEWAY_HOST (below the flags, above spandrel.yaml), whatever `${VAR}` spandrel.yaml
 * names, GATEWAY_DATABASE_URL (key records; above spandrel.yaml), GATEWAY_TLS_CERT and GATEWAY_TLS_KEY,
 * GATEWAY_UPSTREAM_CA, SPANDREL_MANAGEMENT_TOKEN (opens health and metrics), SPANDREL_CALLER_SECRET (signs `spandrel-caller`),
 * GATEWAY_ACCESS_LOG=1 (one line a request), GATEWAY_DRAIN_MS (10000), LOG_LEVEL (info).
 * Logs are JSON lines; one of them says `gateway ready`. SIGTERM and SIGINT drain it; one that comes half a second
 * later or more ends it at once.
 * SIGHUP reads spandrel.yaml and the contracts again, as `POST /.spandrel/reload` does.
 * Exit code 2: it could not start. 1: it was stopped in the middle of a drain.
 */
import { parseArgs } from 'node:util'
import { formatFinding, loadSystem, type System } from '@spandrel/contract'
import { SpandrelError } from '@spandrel/runtime'
import { stopSignal } from '@spandrel/runtime/operate'
import { pino } from 'pino'
import { createGateway, type Gateway } from './gateway.ts'
import { openDatabase } from './keys/open-database.ts'
import type { GatewayOptions } from './options.ts'

const { env } = process
// Written at once: the last lines of a process are the ones that matter.
const logger = pino(
  { base: { pid: process.pid, name: 'gateway' }, level: levelOf(env['LOG_LEVEL']) },
  pino.destination({ fd: 1, sync: true }),
)

/** Runs the gateway until a signal stops it. Ends the process with code 2 where it cannot start. */
export async function gatewayCommand(args: readonly string[] = process.argv.slice(2)): Promise<void> {
  try {
    await main(args)
  } catch (error) {
    // A user's mistake gets a message and what to do, never a stack.
    if (error instanceof SpandrelError) fail(`${error.message}${error.hint === undefined ? '' : `\n${error.hint}`}`)
    if (isUsersMistake(error)) fail(error.message)
    throw error
  }
}

async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { config: { type: 'string' }, port: { type: 'string' }, host: { type: 'string' } },
  })
  const port = portOf(values.port, '--port') ?? portOf(env['GATEWAY_PORT'], 'GATEWAY_PORT')
  const deadlineMs = drainOf(env['GATEWAY_DRAIN_MS'])
  const file = values.config ?? 'spandrel.yaml'
  const system = await load(file)
  const host = values.host ?? env['GATEWAY_HOST']
  const token = env['SPANDREL_MANAGEMENT_TOKEN']
  const secret = env['SPANDREL_CALLER_SECRET']
  const url = env['GATEWAY_DATABASE_URL'] || system.gateway?.database?.value
  const keys = url === undefined ? undefined : openDatabase(url)
  const gateway = createGateway({
    system,
    load: () => loadSystem(file),
    logger,
    ...(keys !== undefined && { database: keys.database }),
    accessLog: env['GATEWAY_ACCESS_LOG'] === '1',
    ...(token !== undefined && token !== '' && { managementToken: token }),
    ...(secret !== undefined && secret !== '' && { auth: { secret } }),
    ...tlsOf(),
  })
  void stopOnSignal(gateway, deadlineMs)
  process.on('SIGHUP', () => void gateway.reload())
  const at = await gateway.listen({ ...(port !== undefined && { port }), ...(host !== undefined && { host }) })
  logger.info({ port: at.port, url: at.url, system: system.name }, 'gateway ready')
}

async function load(file: string): Promise<System> {
  const { system, findings } = await loadSystem(file)
  for (const finding of findings) if (finding.severity === 'error') process.stderr.write(`${formatFinding(finding)}\n`)
  return system ?? fail(`${file} has errors: see above`)
}

/** Files that the environment names stand above those of spandrel.yaml. */
function tlsOf(): Pick<GatewayOptions, 'tls' | 'upstream'> {
  const { GATEWAY_TLS_CERT: cert = '', GATEWAY_TLS_KEY: key = '', GATEWAY_UPSTREAM_CA: ca = '' } = env
  if ((cert === '') !== (key === '')) fail('GATEWAY_TLS_CERT and GATEWAY_TLS_KEY belong together: set both')
  return { ...(cert !== '' && { tls: { cert, key } }), ...(ca !== '' && { upstream: { ca } }) }
}

function levelOf(text: string | undefined): string {
  if (text === undefined || text === '') return 'info'
  return text === 'silent' || Object.hasOwn(pino.levels.values, text)
    ? text
    : fail(`LOG_LEVEL must be trace, debug, info, warn, error, fatal or silent, and is "${text}"`)
}

function portOf(text: string | undefined, name: string): number | undefined {
  if (text === undefined || text === '') return undefined
  const port = Number(text)
  return Number.isInteger(port) && port >= 0 && port <= 65_535 ? port : fail(`${name} must be a port, and is "${text}"`)
}

function drainOf(text: string | undefined): number {
  if (text === undefined || text === '') return 10_000
  const ms = Number(text)
  return Number.isSafeInteger(ms) && ms >= 0 && ms <= 3_600_000
    ? ms
    : fail(`GATEWAY_DRAIN_MS must be a whole number of milliseconds, at most 3600000, and is "${text}"`)
}

async function stopOnSignal(gateway: Gateway, deadlineMs: number): Promise<never> {
  const signal = await stopSignal()
  logger.info({ signal, inFlight: gateway.health().inFlight }, 'gateway stopping')
  try {
    await gateway.close({ deadlineMs })
  } catch (error) {
    logger.error({ err: error }, 'the gateway did not stop cleanly')
    process.exit(1)
  }
  logger.info('gateway stopped')
  process.exit(0)
}

/** Arguments that do not exist, a port that is taken. */
function isUsersMistake(error: unknown): error is Error {
  const { code } = error as NodeJS.ErrnoException
  return (
    error instanceof Error &&
    (code?.startsWith('ERR_PARSE_ARGS') === true || code === 'EADDRINUSE' || code === 'EACCES')
  )
}

function fail(message: string): never {
  process.stderr.write(`gateway: ${message}\n`)
  process.exit(2)
}
