/**
 * The process behind `spandrel serve relay` and `push`: carriers, health and metrics, and an orderly end.
 *
 *   starting ──▶ serving ──SIGTERM, SIGINT──▶ draining ──▶ 0: everything ended · 1: the deadline cut something off
 *      └── a carrier that no waiting mends ──▶ 2
 */
import { createServer, type Server } from 'node:http'
import { type Logger, manage, metricHelp, Metrics, stopSignal } from '@spandrel/runtime/operate'
import { CommandError } from '../output/command-error.ts'
import type { ExitCode } from '../program.ts'
import type { Carrier } from './carrier.ts'

export interface ServeOptions {
  system: string
  carriers: readonly Carrier[]
  management: { host: string; port: number; token: string | undefined }
  /** what is under way has so long to end */
  drainMs: number
  logger: Logger
}

/** A driver that waits for an answer which never comes cannot be stopped: so long after the deadline nobody waits for it. */
const graceMs = 1000

/** Runs until a signal. Rejects where it cannot start; a later signal ends the process at once, with 1. */
export async function serveCarriers(options: ServeOptions): Promise<ExitCode> {
  const { carriers, drainMs, logger } = options
  const asked = stopSignal()
  const server = await openManagement(options)
  const stopAll = async (): Promise<void> => {
    await Promise.all(carriers.map((one) => one.stop(drainMs)))
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  const names = carriers.map(({ service }) => service)
  const started = Promise.all(carriers.map((one) => one.start())).then(() => 'serving' as const)
  try {
    const first = await Promise.race([started, asked])
    if (first === 'serving') logger.info({ system: options.system, services: names }, first)
  } catch (error) {
    await stopAll()
    throw error
  }
  const signal = await asked
  logger.info({ signal, drainMs }, 'stopping')
  const end = Date.now() + drainMs
  const cutOff = (): void => logger.info({}, 'stopped: the deadline cut off what was under way; others take it over')
  setTimeout(() => {
    cutOff()
    process.exit(1)
  }, drainMs + graceMs).unref()
  await stopAll()
  if (Date.now() > end) {
    cutOff()
    return 1
  }
  logger.info({}, 'stopped')
  return 0
}

/** `live`, `ready`, `health` and `metrics` under `/.spandrel/`, as every service has them. */
async function openManagement({ system, carriers, management, logger }: ServeOptions): Promise<Server> {
  const health = (): object => {
    const services = Object.fromEntries(carriers.map((one) => [one.service, one.health()]))
    const states = Object.values(services).map(({ status }) => status)
    const status = states.find((one) => one === 'failing') ?? states.find((one) => one !== 'ok') ?? 'ok'
    return { system, status, services }
  }
  const server = createServer((request, response) => {
    manage(request, response, {
      token: management.token,
      ready: () => carriers.every((one) => one.health().status === 'ok'),
      health,
      metrics: () => metricsOf(carriers),
    }).then(
      (ours) => {
        if (!ours) response.writeHead(404).end()
      },
      () => response.destroy(),
    )
  })
  const { host, port } = management
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new CommandError(`health and metrics cannot listen: ${cause.message}`, {
          where: `${host}:${port}`,
          fix: 'set SPANDREL_MANAGEMENT_PORT and SPANDREL_MANAGEMENT_HOST to an address that is free',
          cause,
        }),
      ),
    )
    server.listen({ host, port }, resolve)
  })
  const address = server.address()
  const at = typeof address === 'object' && address !== null ? address.port : port
  logger.info({ url: `http://${host.includes(':') ? `[${host}]` : host}:${at}/.spandrel/` }, 'health and metrics')
  return server
}

/** The numbers of every loop, by service; named as a service on the runtime names its own. */
function metricsOf(carriers: readonly Carrier[]): string {
  const metrics = new Metrics()
  const byName = new Map<string, { help: string; values: [{ service: string }, number][] }>()
  const note = (name: string, help: string, service: string, value: number): void => {
    const family = byName.get(name) ?? { help, values: [] }
    family.values.push([{ service }, value])
    byName.set(name, family)
  }
  for (const carrier of carriers) {
    const { status, loops } = carrier.health()
    note('spandrel_up', '1 where its messages are being carried', carrier.service, status === 'ok' ? 1 : 0)
    for (const [loop, { lastSuccess, gauges }] of Object.entries(loops)) {
      for (const [name, value] of Object.entries(gauges)) {
        const written = `spandrel_${loop}_${name}`.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
        note(written, metricHelp(loop, name), carrier.service, value)
      }
      const name = `spandrel_${loop}_last_success_seconds`
      if (lastSuccess !== null)
        note(name, `When the loop ${loop} last succeeded, as Unix time`, carrier.service, lastSuccess / 1000)
    }
  }
  for (const [name, { help, values }] of byName) metrics.gauge(name, help, () => values)
  return metrics.render()
}
