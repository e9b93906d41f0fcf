import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { resolve } from 'node:path'
import { type Gateway as GatewayDeclaration, gatewayKeepsKeys, type System } from '@spandrel/contract'
import type { Logger } from '@spandrel/runtime'
import { asDatabase } from '@spandrel/runtime/operate'
import { Connections } from './connections.ts'
import type { Edge } from './edge.ts'
import { Exchange } from './exchange.ts'
import type { Verifiers } from './identity/access.ts'
import { ApiKeys, readApiKeys } from './identity/api-keys.ts'
import { Tokens } from './identity/tokens.ts'
import { KeptKeys } from './keys/kept-keys.ts'
import { type GatewayHealth, manage, managementPrefix } from './management/management.ts'
import { Listener } from './listener.ts'
import { Metrics, openBreakers } from './management/metrics.ts'
import { type AuthOptions, checkedLimits, type GatewayLimits, type GatewayOptions, wrong } from './options.ts'
import { Problem } from './problem.ts'
import { plainAddress, TrustedAddresses } from './proxy/forwarded.ts'
import { ContractsRefused, type ContractsHealth, findingsOf, type ReloadOutcome, versionOf } from './reload.ts'
import { buildRoutes } from './routes/build-routes.ts'
import { upgrades } from './routes/upgrades.ts'
import { Serving } from './serving.ts'
import { certificateOf } from './tls.ts'
import { telemetryOf } from './trace/telemetry.ts'
import { refuseOnWire } from './wire-faults.ts'

export interface Gateway {
  /** Begins to take requests; `port` 0 takes any free one. Resolves with the address. */
  listen(options?: { port?: number; host?: string }): Promise<{ port: number; url: string }>
  /**
   * Stops taking connections, answers what is in flight and ends. What is not answered after `deadlineMs`
   * (10 s by default) is cut off. Idempotent: every call resolves when the first is done.
   */
  close(options?: { deadlineMs?: number }): Promise<void>
  /**
   * Puts other contracts in place of those that are served: `system`, or what `load` of the options reads. New requests
   * meet the new ones; what has begun is finished by the old ones. Connections to a service whose URL is unchanged are
   * kept, unless `gateway.upstream` says otherwise how it is spoken to. Where the new ones have errors, the old ones go on. Never rejects; one reload at a time, in order.
   * Options and the address it listens on stay what they were.
   */
  reload(system?: System): Promise<ReloadOutcome>
  /** the port it listens on; 0 before `listen` */
  readonly port: number
  health(): GatewayHealth
  /** Prometheus text, as served at `/.spandrel/metrics` */
  metrics(): string
  [Symbol.asyncDispose](): Promise<void>
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * An HTTP edge for every OpenAPI operation of a system: routes, validates, identifies, traces and forwards.
 * Throws `wrong-configuration` where two operations have one route, a service has no URL, or a contract demands
 * credentials or key records that this gateway is not set up for.
 *
 * ```ts
 * const { system } = await loadSystem('spandrel.yaml')
 * const gateway = createGateway({ system })
 * await gateway.listen({ port: 8080 })
 * ```
 */
export function createGateway(options: GatewayOptions): Gateway {
  return new HttpGateway(options)
}

class HttpGateway implements Gateway {
  readonly #options: GatewayOptions
  readonly #listener: Listener
  readonly #limits: GatewayLimits
  readonly #logger: Logger
  readonly #metrics = new Metrics()
  readonly #telemetry = telemetryOf()
  readonly #trustedProxies: TrustedAddresses
  /** the key records of this gateway; undefined: it has no database */
  readonly #keys: KeptKeys | undefined
  readonly #pseudonym = `spandrel-${randomBytes(4).toString('hex')}`
  /** of all servings together */
  readonly #load = { inFlight: 0, draining: false }
  #serving: Serving
  /** the current one, and retired ones that still answer */
  readonly #servings = new Set<Serving>()
  #contracts: ContractsHealth
  #reloading: Promise<unknown> = Promise.resolve()
  /** of the tokens' key set, and the options it was made from */
  #tokens: { readonly key: string; readonly tokens: Tokens } | undefined
  readonly #connections = new Connections()
  #closing: Promise<void> | undefined
  #drained: (() => void) | undefined

  constructor(options: GatewayOptions) {
    const limits = checkedLimits(options)
    const { logger = silent } = options
    this.#options = options
    this.#limits = limits
    this.#logger = logger
    this.#trustedProxies = new TrustedAddresses(options.trustedProxies ?? [])
    this.#keys =
      options.database === undefined
        ? undefined
        : new KeptKeys({
            database: asDatabase(options.database),
            logger,
            counters: this.#metrics.counters,
            maxAnswerBytes: limits.answerBytes,
            maxWaiting: limits.waiting,
          })
    this.#serving = this.#serve(options.system)
    this.#contracts = this.#told(options.system, 0)
    this.#listener = new Listener(
      limits,
      {
        request: (request, response, head) => this.#take(request, response, head),
        upgrades: (request) => upgrades(this.#serving.edge, request),
        late: (socket) => this.#connections.latest(socket)?.refuse(new Problem('request-timeout')),
        fault: (error, socket) => refuseOnWire(error, socket, this.#connections.latest(socket)),
      },
      certificateOf(options),
    )
  }

  get port(): number {
    return this.#listener.port
  }

  async listen({ port, host }: { port?: number; host?: string } = {}): Promise<{ port: number; url: string }> {
    const { system } = this.#options
    const at = {
      port: port ?? this.#options.listen ?? system.gateway?.port ?? 8080,
      host: host ?? this.#options.host ?? system.gateway?.host ?? '127.0.0.1',
    }
    if (gatewayKeepsKeys(system)) await this.#keys?.start()
    const url = await this.#listener.listen(at)
    return { port: this.port, url }
  }

  close({ deadlineMs = 10_000 }: { deadlineMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#drain(deadlineMs)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  health(): GatewayHealth {
    return {
      ready: this.#listener.listening && !this.#load.draining,
      inFlight: this.#load.inFlight,
      contracts: this.#contracts,
      ...(this.#keys !== undefined && { keys: this.#keys.health() }),
      services: Object.fromEntries(
        this.#serving.pools.map((pool) => [
          pool.service,
          pool.instances.map((instance) => {
            const { url, lastSuccess, lastError } = instance
            return { url, lastSuccess, lastError, breaker: pool.breakerOf(instance)?.state ?? 'off' }
          }),
        ]),
      ),
    }
  }

  metrics(): string {
    return this.#metrics.render(this.#load.inFlight) + openBreakers(this.#serving.pools)
  }

  reload(system?: System): Promise<ReloadOutcome> {
    const next = this.#reloading.then(() => this.#replace(system))
    this.#reloading = next
    return next
  }

  async #replace(given: System | undefined): Promise<ReloadOutcome> {
    try {
      const system = given ?? (await this.#loaded())
      if (gatewayKeepsKeys(system)) await this.#keys?.start()
      if (this.#load.draining) throw new Error('the gateway is stopping')
      const before = this.#serving
      const certificate = certificateOf({ ...this.#options, system })
      this.#serving = this.#serve(system, before)
      this.#contracts = this.#told(system, this.#contracts.reloads + 1)
      before.retire()
      if (certificate !== undefined) this.#listener.renew(certificate)
      this.#metrics.reloads.loaded++
      const { version, services } = this.#contracts
      this.#logger.info({ version, services }, 'contracts reloaded')
      return { loaded: true, contracts: this.#contracts }
    } catch (error) {
      const findings = findingsOf(error)
      this.#metrics.reloads.refused++
      this.#contracts = { ...this.#contracts, lastFailure: { at: Date.now(), findings } }
      this.#logger.error({ findings }, 'the new contracts were refused; the old ones go on')
      return { loaded: false, findings, contracts: this.#contracts }
    } finally {
      this.#metrics.keep(this.#serving.edge.routes.routes.map(({ metrics }) => metrics))
    }
  }

  async #loaded(): Promise<System> {
    const { load } = this.#options
    if (load === undefined) throw wrong('there is nothing to load the contracts with', 'give createGateway a `load`')
    const { system, findings } = await load()
    if (system === undefined) throw new ContractsRefused(findings)
    return system
  }

  /** Everything that a system needs to be served. Throws, and then nothing has changed. */
  #serve(system: System, before?: Serving): Serving {
    const options = { ...this.#options, system }
    checkedLimits(options)
    const auth = authOf(options)
    const verifiers = verifiersOf(system, auth, this.#tokensOf(auth.jwt))
    const { table, pools } = buildRoutes(options, this.#limits, verifiers, this.#metrics, before?.pools)
    const load = this.#load
    const edge: Edge = {
      routes: table,
      limits: this.#limits,
      metrics: this.#metrics,
      logger: this.#logger,
      accessLog: options.accessLog ?? false,
      keys: this.#keys,
      telemetry: this.#telemetry,
      pseudonym: this.#pseudonym,
      trustedProxies: this.#trustedProxies,
      trustedHeader: verifiers.trusted?.header,
      secret: auth.secret,
      get inFlight() {
        return load.inFlight
      },
      set inFlight(count) {
        load.inFlight = count
      },
      get draining() {
        return load.draining
      },
      ended: (exchange) => this.#ended(exchange as Exchange, serving),
    }
    const serving = new Serving(edge, pools, (over) => this.#servings.delete(over))
    this.#servings.add(serving)
    return serving
  }

  /** A key set that is fetched is kept over a reload: nobody waits for it, and it may be away. A file is read again. */
  #tokensOf(jwt: AuthOptions['jwt']): Tokens | undefined {
    if (jwt === undefined) return undefined
    const key = JSON.stringify(jwt)
    const isFetched = typeof jwt.jwks === 'string' && /^https?:/i.test(jwt.jwks)
    if (isFetched && this.#tokens?.key === key) return this.#tokens.tokens
    const tokens = new Tokens(jwt)
    this.#tokens = { key, tokens }
    return tokens
  }

  #told(system: System, reloads: number): ContractsHealth {
    const loadedAt = Date.now()
    this.#metrics.loadedAt = loadedAt
    const services = Object.values(system.services).filter(({ external }) => !external)
    return {
      version: versionOf(system),
      loadedAt,
      services: Object.fromEntries(services.map(({ name, version }) => [name, version])),
      reloads,
      lastFailure: null,
    }
  }

  async #drain(deadlineMs: number): Promise<void> {
    this.#load.draining = true
    const closed = this.#listener.close()
    this.#connections.drain()
    const empty = new Promise<void>((resolve) => {
      this.#drained = resolve
      if (this.#connections.size === 0) resolve()
    })
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, deadlineMs, 'late')
    })
    const outcome = await Promise.race([Promise.all([closed, empty]), late])
    clearTimeout(timer)
    if (outcome === 'late') {
      this.#logger.warn({ inFlight: this.#connections.size }, 'the deadline to stop has passed: requests are cut off')
      this.#connections.destroyAll()
      this.#listener.destroy()
      await Promise.all([closed, empty])
    }
    await Promise.all([...this.#servings].flatMap(({ pools }) => pools.map((pool) => pool.destroy())))
    await this.#keys?.close()
  }

  #take(request: IncomingMessage, response: ServerResponse, head?: Buffer): void {
    if (request.url?.startsWith(managementPrefix) === true) {
      return manage(
        {
          health: () => this.health(),
          metrics: () => this.metrics(),
          reload: this.#options.load === undefined ? undefined : () => this.reload(),
          token: this.#options.managementToken,
        },
        request,
        response,
        plainAddress(request.socket.remoteAddress),
      )
    }
    const serving = this.#serving
    serving.began()
    const exchange = new Exchange(serving.edge, request, response, head)
    this.#connections.add(exchange)
    exchange.run()
  }

  #ended(exchange: Exchange, serving: Serving): void {
    this.#connections.remove(exchange)
    serving.ended()
    if (!this.#load.draining) return
    // Its connection may have become idle after `server.close` looked.
    setImmediate(() => this.#listener.closeIdle())
    if (this.#connections.size === 0) this.#drained?.()
  }
}

/** What spandrel.yaml says, and the options above it. */
function authOf({ system, auth = {} }: GatewayOptions): AuthOptions {
  const declared: GatewayDeclaration | undefined = system.gateway
  const caller = auth.caller ?? declared?.caller
  const trusted = auth.trusted ?? declared?.trusted
  const apiKeys =
    auth.apiKeys ?? (declared?.apiKeys === undefined ? undefined : readApiKeys(resolve(system.dir, declared.apiKeys)))
  const jwt =
    auth.jwt ??
    (declared?.jwt === undefined
      ? undefined
      : {
          ...declared.jwt,
          jwks: /^https?:/i.test(declared.jwt.jwks) ? declared.jwt.jwks : resolve(system.dir, declared.jwt.jwks),
        })
  return {
    ...(caller !== undefined && { caller }),
    ...(trusted !== undefined && { trusted }),
    ...(apiKeys !== undefined && { apiKeys }),
    ...(jwt !== undefined && { jwt }),
    ...(auth.secret !== undefined && { secret: auth.secret }),
  }
}

function verifiersOf(
  system: System,
  { apiKeys, trusted, caller, secret }: AuthOptions,
  tokens: Tokens | undefined,
): Verifiers {
  if (secret !== undefined && secret.length < 32) {
    throw wrong('the secret that signs callers is shorter than 32 characters', 'take 32 random bytes in base64')
  }
  const ofProxy = caller?.source === 'request.header' && caller.name.toLowerCase() === trusted?.header.toLowerCase()
  if (caller !== undefined && caller.source !== 'request.jwt' && !ofProxy) {
    throw wrong(
      `gateway.caller must be a claim of the token ($request.jwt#/sub), not ${caller.source}`,
      'a header is believed from a trusted proxy only: set gateway.trusted',
    )
  }
  return {
    tokens,
    apiKeys: apiKeys === undefined ? undefined : new ApiKeys(apiKeys),
    trusted:
      trusted === undefined
        ? undefined
        : { header: trusted.header.toLowerCase(), from: new TrustedAddresses(trusted.from) },
    subject: caller,
    realm: system.name.replaceAll(/[^\w .-]/g, ''),
  }
}
