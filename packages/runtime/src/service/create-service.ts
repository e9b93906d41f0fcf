/**
 * `createService`: one service of a contract. Puts together operation server, relay, consumer and expiry, and takes
 * them down again in an order that loses nothing.
 *
 *   created ──start()/listen()──▶ running ──close()──▶ stopping ──▶ closed
 *
 * start: is the database migrated? (if not, it says the command) → transport → relay → consumer → expiry → HTTP.
 * close: no new requests, no fetching → what is in flight ends, or is cut off at the limit (database first) → the
 * relay sends what was committed → transport.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createCaller } from '../calls/call.ts'
import type { CallInput } from '../calls/call-request.ts'
import { copiesDeadLetters } from '../contract/dead-letter-channel.ts'
import type { ContractTypes, ServiceContract } from '../contract/service-contract.ts'
import { asDatabase } from '../database/as-database.ts'
import type { Database } from '../database/database.ts'
import type { PgPool } from '../database/pg.ts'
import { SpandrelError } from '../errors.ts'
import { createConsumer } from '../inbox/consumer.ts'
import type { ReceiveHandlers } from '../inbox/handlers.ts'
import { JournalWriter } from '../operations/journal-writer.ts'
import { createOperationServer } from '../operations/operation-server.ts'
import type { RawHandler } from '../operations/raw-handler.ts'
import { Doorbell } from '../outbox/doorbell.ts'
import { createRelay, outboxBell, type Relay } from '../outbox/relay.ts'
import { checkMigrated } from '../schema/migrate.ts'
import { openTransport } from '../transport/open.ts'
import type { Transport } from '../transport/transport.ts'
import { consoleLogger } from './console-logger.ts'
import type { Logger, Loop, LoopHealth } from './loop.ts'
import { isManagement, manage } from './management.ts'
import { metricHelp } from './metric-help.ts'
import { Metrics } from './metrics.ts'
import { createServiceExpiry } from './service-expiry.ts'
import {
  checkOptions,
  type Handlers,
  type NoOthers,
  type ServiceOptions,
  type TransactionOf,
} from './service-options.ts'

export interface Service {
  readonly name: string
  /** Starts the loops, then HTTP. Rejects where the service cannot run: not migrated, port taken, no transport. */
  listen(options: { port: number; host?: string }): Promise<{ port: number; url: string }>
  /** Starts the loops without HTTP: for services that only receive, or that are mounted in another server. */
  start(): Promise<void>
  /** Answers one request, also where the contract has no such operation (404). */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>
  /**
   * To mount the operations in a server of your own. Answers what the contract has an operation for, and
   * `/.spandrel/…`; resolves with false, and touches nothing, where it is neither. See docs/mounting.md.
   */
  tryHandle(request: IncomingMessage, response: ServerResponse): Promise<boolean>
  /** `tryHandle` for Express, Nest, Connect and the like: `app.use(service.middleware())`. */
  middleware(): (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void
  health(): ServiceHealth
  /** Prometheus text format */
  metrics(): string
  /** Ends what is in flight, then everything. Idempotent. `deadlineMs`: default as `stopMs`. */
  close(options?: { deadlineMs?: number }): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface ServiceHealth {
  service: string
  status: 'starting' | 'ok' | 'failing' | 'stopping' | 'closed'
  requestsInFlight: number
  loops: Readonly<Record<string, LoopHealth>>
  /** providers whose breaker is not closed */
  breakers: Readonly<Record<string, string>>
}

/**
 * A service of a contract. Nothing happens until `listen` or `start`.
 *
 * Throws `wrong-configuration` for unknown options and for missing or unknown handlers.
 */
export function createService<
  T extends ContractTypes,
  D extends Database | PgPool,
  const H extends Handlers<T, TransactionOf<D>>,
>(contract: ServiceContract<T>, options: ServiceOptions<D> & { handlers: H & NoOthers<T, H> }): Service {
  const { handlers, ...rest } = options
  checkOptions(rest, handlers, [...Object.keys(contract.operations), ...Object.keys(contract.receives)])
  return new RunningService(contract as ServiceContract, rest, handlers)
}

type State = ServiceHealth['status']

class RunningService implements Service {
  readonly name: string
  readonly #contract: ServiceContract
  readonly #options: Omit<ServiceOptions<Database | PgPool>, 'handlers'>
  readonly #handlers: object
  readonly #log: Logger
  readonly #database: Database
  readonly #metrics = new Metrics()
  readonly #journal: JournalWriter
  readonly #caller
  readonly #operations
  #state: State = 'starting'
  #loops: Loop[] = []
  #relay: Relay | undefined
  /** where the relay runs in other processes only */
  #doorbell: Doorbell | undefined
  #transport: Transport | undefined
  #ownsTransport = false
  #server: Server | undefined
  #starting: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(contract: ServiceContract, options: ServiceOptions<Database | PgPool>, handlers: object) {
    this.name = contract.service
    this.#contract = contract
    this.#options = options
    this.#handlers = handlers
    this.#log = options.logger ?? consoleLogger
    this.#database = asDatabase(options.database)
    this.#journal = new JournalWriter(this.#database.query, this.#log)
    const calls = this.#metrics.counter('spandrel_call_tries_total', 'Tries of calls to other services, by outcome')
    const callerSecret = (options.callerSecret ?? process.env['SPANDREL_CALLER_SECRET']) || undefined
    this.#caller = createCaller(contract, {
      ...options.calls,
      ...defined({ callerSecret }),
      journal: (entry) => this.#journal.write(entry),
      onTry: (ref, outcome) => calls.add({ ref, outcome }),
    })
    this.#operations = createOperationServer({
      contract,
      database: this.#database,
      handlers: handlers as Readonly<Record<string, RawHandler>>,
      caller: this.#caller,
      logger: this.#log,
      metrics: this.#metrics,
      journal: this.#journal,
      onCommitted: () => this.#ring(),
      trustCaller: options.trustCaller ?? process.env['SPANDREL_TRUST_CALLER'] === '1',
      ...defined({
        callerSecret,
        identify: options.identify,
        maxBodyBytes: options.maxBodyBytes,
        maxAnswerBytes: options.maxAnswerBytes,
        maxWaiting: options.maxWaiting,
        validateAnswers: options.validateAnswers,
        timeoutMs: options.timeoutMs,
      }),
    })
    this.#metrics.gauge('spandrel_loop_last_success_seconds', 'When each loop last succeeded, as Unix time', () =>
      this.#loops.flatMap((loop) => {
        const { lastSuccess } = loop.health()
        return lastSuccess === null ? [] : [[{ loop: loop.name }, lastSuccess / 1000] as const]
      }),
    )
    this.#metrics.named(() =>
      this.#loops.flatMap((loop) =>
        Object.entries(loop.health().gauges).map(([name, value]) => ({
          name: `spandrel_${loop.name}_${name}`,
          help: metricHelp(loop.name, name),
          value,
        })),
      ),
    )
    this.#metrics.gauge('spandrel_journal_dropped', 'Journal entries dropped while the database was gone', () => [
      [{}, this.#journal.dropped],
    ])
  }

  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  async listen(options: { port: number; host?: string }): Promise<{ port: number; url: string }> {
    await this.start()
    if (this.#server !== undefined) throw new SpandrelError('wrong-configuration', `${this.name} listens already`)
    const server = createServer((request, response) => {
      void this.handle(request, response)
    })
    this.#server = server
    const host = options.host ?? '127.0.0.1'
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(options.port, host, () => {
        server.removeListener('error', reject)
        resolve()
      })
    })
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : options.port
    this.#log.info({ service: this.name, port }, 'listening')
    return { port, url: `http://${host.includes(':') ? `[${host}]` : host}:${port}` }
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const managed = await manage(request, response, {
        token: this.#options.managementToken ?? process.env['SPANDREL_MANAGEMENT_TOKEN'],
        ready: () => this.#state === 'ok',
        health: () => this.health(),
        metrics: () => this.metrics(),
      })
      if (managed) return
    } catch (error) {
      this.#log.error({ error }, 'a management request failed')
      response.destroy()
      return
    }
    await this.#operations.handle(request, response)
  }

  async tryHandle(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const handled = this.#handleOurs(request, response)
    await handled
    return handled !== undefined
  }

  middleware(): ReturnType<Service['middleware']> {
    return (request, response, next) => {
      if (this.#handleOurs(request, response) === undefined) next()
    }
  }

  /** Undefined, and nothing is touched, where it is neither an operation of the contract nor management. */
  #handleOurs(request: IncomingMessage, response: ServerResponse): Promise<void> | undefined {
    return isManagement(request.url ?? '/')
      ? this.handle(request, response)
      : this.#operations.handleKnown(request, response)
  }

  health(): ServiceHealth {
    const loops = Object.fromEntries(this.#loops.map((loop) => [loop.name, loop.health()]))
    const failing = Object.values(loops).some(
      ({ lastSuccess, lastError }) => lastError !== null && lastError.at > (lastSuccess ?? 0),
    )
    return {
      service: this.name,
      status: this.#state === 'ok' && failing ? 'failing' : this.#state,
      requestsInFlight: this.#operations.inFlight,
      loops,
      breakers: Object.fromEntries([...this.#caller.breakers()].filter(([, state]) => state !== 'closed')),
    }
  }

  metrics(): string {
    return this.#metrics.render()
  }

  close(options: { deadlineMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.deadlineMs ?? this.#options.stopMs ?? 10_000)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #start(): Promise<void> {
    const { relay = true, consume = true, expiryMs, journalMs } = this.#options
    await checkMigrated(this.#database, this.name)
    const sends = Object.keys(this.#contract.sends).length > 0 || copiesDeadLetters(this.#contract)
    const relays = sends && relay !== false
    const consumes = consume !== false && Object.keys(this.#contract.receives).length > 0
    if (relays || consumes) await this.#openTransport()
    const transport = this.#transport
    if (relays && transport !== undefined) {
      const parts = { contract: this.#contract, database: this.#database, transport, logger: this.#log }
      this.#relay = createRelay({ ...parts, ...(typeof relay === 'object' && relay) })
      this.#loops.push(this.#relay)
    } else if (sends) {
      const notifier = this.#database.notifier?.(outboxBell)
      this.#doorbell = notifier && new Doorbell(notifier)
    }
    if (consumes && transport !== undefined) this.#loops.push(this.#consumer(transport))
    const query = this.#database.query
    this.#loops.push(createServiceExpiry({ query, logger: this.#log, ...defined({ everyMs: expiryMs, journalMs }) }))
    for (const loop of this.#loops) await loop.start()
    this.#state = 'ok'
  }

  #ring(): void {
    this.#relay?.ring()
    this.#doorbell?.ring('')
  }

  #consumer(transport: Transport): Loop {
    const receives = Object.keys(this.#contract.receives)
    const { consume } = this.#options
    return createConsumer({
      ...(typeof consume === 'object' && { tuning: consume }),
      contract: this.#contract,
      database: this.#database,
      transport,
      handlers: Object.fromEntries(
        Object.entries(this.#handlers).filter(([name]) => receives.includes(name)),
      ) as ReceiveHandlers<ContractTypes, unknown>,
      logger: this.#log,
      onCommitted: () => this.#ring(),
      call: (ref, input, { key, signal, deadline, cause }) =>
        this.#caller.call(ref, input as CallInput, {
          correlationid: cause.attributes.correlationid,
          causationid: cause.id,
          traceparent: cause.attributes.traceparent,
          tracestate: cause.attributes.tracestate,
          key,
          signal,
          deadline,
        }),
    })
  }

  async #openTransport(): Promise<void> {
    const given = this.#options.transport ?? process.env['SPANDREL_TRANSPORT_URL']
    if (given === undefined || given === '') {
      throw new SpandrelError(
        'wrong-configuration',
        `${this.name} sends or receives messages, and no transport is configured`,
        {
          hint: 'set SPANDREL_TRANSPORT_URL (postgres://…), or give createService a `transport`',
        },
      )
    }
    this.#ownsTransport = typeof given === 'string'
    this.#transport = typeof given === 'string' ? await openTransport(given) : given
  }

  async #close(deadlineMs: number): Promise<void> {
    const before = this.#state
    this.#state = 'stopping'
    const end = Date.now() + deadlineMs
    const left = (): number => Math.max(0, end - Date.now())
    if (before === 'starting') await this.#starting?.catch(() => {})
    this.#state = 'stopping'
    const server = this.#server
    const serverClosed =
      server === undefined ? undefined : new Promise<void>((resolve) => server.close(() => resolve()))
    server?.closeIdleConnections()
    const others = this.#loops.filter((loop) => loop !== this.#relay)
    const failed = (name: string) => (error: unknown) => this.#log.error({ error }, `stopping ${name} failed`)
    await Promise.all([
      this.#operations.stop({ deadlineMs: left() }),
      ...others.map((loop) => loop.stop({ deadlineMs: left() }).catch(failed(loop.name))),
    ])
    await this.#relay?.stop({ deadlineMs: Math.max(500, left()) }).catch(failed('relay'))
    await this.#doorbell?.close().catch(failed('doorbell'))
    await this.#journal.flush().catch(failed('journal'))
    // Answers have been written by now; what is left of connections holds nothing.
    server?.closeAllConnections()
    await serverClosed
    if (this.#ownsTransport) await this.#transport?.close().catch(failed('transport'))
    this.#state = 'closed'
  }
}

/** Leaves out what is undefined: an option that is not given keeps its default. */
function defined<O extends object>(options: O): { [K in keyof O]?: Exclude<O[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof O]?: Exclude<O[K], undefined>
  }
}
