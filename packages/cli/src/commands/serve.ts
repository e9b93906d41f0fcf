import type { System } from '@spandrel/contract'
import { Option } from 'commander'
import { CommandError } from '../output/command-error.ts'
import { command, type CommonOptions, type ExitCode } from '../program.ts'
import { Carrier } from '../serve/carrier.ts'
import { type CarriedService, carriedServices, partsOf } from '../serve/carried-services.ts'
import { foreignContract } from '../serve/foreign-contract.ts'
import { serveCarriers } from '../serve/serve-carriers.ts'
import { serveLog } from '../serve/serve-log.ts'
import { endWithParent, serveProcesses } from '../serve/serve-processes.ts'
import { Databases, refuseSharedName } from '../system/database-url.ts'
import { refuseUnreadableCertificates } from '../system/certificate-files.ts'
import { findConfig, shown } from '../system/find-config.ts'
import { needsGateway, pushHeaders } from '../system/foreign.ts'
import { serviceOption } from '../system/looked-at.ts'
import { openSystem } from '../system/open-system.ts'

interface ServeOptions extends CommonOptions {
  service?: string[]
  port?: string
  host?: string
  managementPort?: string
}

export const serve = command<ServeOptions>({
  usage: 'serve [parts...]',
  summary: 'run the gateway, relays and HTTP push in production',
  description:
    'Runs what a system needs beside its services: the gateway; the relay of services that write with ' +
    'spandrel.publish(...); and HTTP push to services without our code. parts: gateway, relay, push, or all (the ' +
    'default). Logs are JSON lines. SIGTERM ends what is under way first.',
  options: [
    serviceOption('carry the messages of these services only'),
    new Option('--port <port>', 'where the gateway listens (default: GATEWAY_PORT, else spandrel.yaml)'),
    new Option('--host <host>', 'the address the gateway listens on (default: GATEWAY_HOST, else spandrel.yaml)'),
    new Option(
      '--management-port <port>',
      'health and metrics of relay and push (SPANDREL_MANAGEMENT_PORT; default 8081)',
    ),
  ],
  examples: [
    ['serve', 'everything the system needs beside its services'],
    ['serve gateway --port 8080', 'the gateway alone'],
    ['serve relay push --service ledger', 'the messages of one service without our code'],
  ],
  async run(options, args) {
    endWithParent()
    const parts = partsOf(args)
    const file = await findConfig(options.config)
    const system = await openSystem(file)
    await refuseSharedName(system)
    const carried = carriedServices(system, parts, options.service)
    const everything = args.length === 0 || args.includes('all')
    const gateway =
      parts.includes('gateway') && (!everything || (options.service === undefined && needsGateway(system)))
    if (gateway && carried.length > 0) {
      const carrying = ['serve', ...parts.filter((part) => part !== 'gateway'), '--config', file]
      if (options.service !== undefined) carrying.push('--service', options.service.join(','))
      if (options.managementPort !== undefined) carrying.push('--management-port', options.managementPort)
      return serveProcesses([['serve', 'gateway', ...gatewayArguments(file, options)], carrying])
    }
    if (gateway) {
      const keys = (await Databases.of(system)).gateway({ alone: false })
      if (keys !== undefined) refuseUnreadableCertificates(keys)
      const { gatewayCommand } = await import('@spandrel/gateway/command')
      await gatewayCommand(gatewayArguments(file, options))
      // It ends the process itself, with its own code, when a signal comes.
      return new Promise<never>(() => {})
    }
    if (carried.length === 0) {
      throw new CommandError('there is nothing to serve: no service writes with SQL or has `events`', {
        where: shown(file),
        fix: 'services on the runtime carry their messages themselves; `spandrel serve gateway` runs the gateway',
      })
    }
    return carry(system, carried, options)
  },
})

function gatewayArguments(file: string, { port, host }: ServeOptions): string[] {
  return [
    '--config',
    file,
    ...(port === undefined ? [] : ['--port', port]),
    ...(host === undefined ? [] : ['--host', host]),
  ]
}

async function carry(system: System, carried: readonly CarriedService[], options: ServeOptions): Promise<ExitCode> {
  const { env } = process
  const databases = await Databases.of(system)
  const stream = databases.stream()
  const alone = carried.length === 1
  const found = carried.map(({ name }) => databases.require(name, { alone }))
  const urls = new Map(found.map(({ service, url }) => [service, url]))
  if (stream === undefined) {
    throw new CommandError('the database of the stream is not known', {
      where: shown(system.file),
      fix: 'set SPANDREL_TRANSPORT_URL to postgres://user@host:5432/database',
    })
  }
  for (const one of [...found, stream]) refuseUnreadableCertificates(one)
  const port = numberOf(
    options.managementPort ?? env['SPANDREL_MANAGEMENT_PORT'],
    8081,
    65_535,
    'SPANDREL_MANAGEMENT_PORT',
  )
  const drainMs = numberOf(env['SPANDREL_DRAIN_MS'], 10_000, 3_600_000, 'SPANDREL_DRAIN_MS')
  const logger = serveLog('messages')
  const carriers = await Promise.all(
    carried.map(async ({ name, relay, push }) => {
      return new Carrier({
        contract: await foreignContract(system, name),
        database: urls.get(name) ?? '',
        transport: stream.url,
        relay,
        ...(push !== undefined && { push: { url: push, headers: pushHeaders(name, env) } }),
        logger: logger.child({ service: name }),
      })
    }),
  )
  const management = {
    host: env['SPANDREL_MANAGEMENT_HOST'] ?? '127.0.0.1',
    port,
    token: env['SPANDREL_MANAGEMENT_TOKEN'],
  }
  return serveCarriers({ system: system.name, carriers, management, drainMs, logger })
}

function numberOf(text: string | undefined, otherwise: number, most: number, name: string): number {
  if (text === undefined || text === '') return otherwise
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 0 && number <= most) return number
  throw new CommandError(`${JSON.stringify(text)} is no number for ${name}`, {
    where: name,
    fix: `a whole number from 0 to ${most}; the default is ${otherwise}`,
  })
}
