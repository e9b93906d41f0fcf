/**
 * The outbox alone, for a service that has nothing else of ours: a message is sent if, and only if, the caller's own
 * transaction commits.
 *
 *   const outbox = createOutbox(orders, { database: pool })
 *   await outbox.send(fromPg(client), 'orderPlaced', { orderId })      // between your `begin` and `commit`
 *   await outbox.relay({ transport: process.env.SPANDREL_TRANSPORT_URL })   // in one process, or in several
 */
import { faults } from '#faults'
import type { ContractTypes, ServiceContract } from '../contract/service-contract.ts'
import { asDatabase, type DatabaseLike } from '../database/as-database.ts'
import type { Database, Joined } from '../database/database.ts'
import { SpandrelError } from '../errors.ts'
import { checkMigrated } from '../schema/migrate.ts'
import { consoleLogger } from '../service/console-logger.ts'
import type { Logger } from '../service/loop.ts'
import { openTransport } from '../transport/open.ts'
import type { Transport } from '../transport/transport.ts'
import { insertMessages } from './buffer.ts'
import { CommitWatch } from './commit-watch.ts'
import { compose, type SendContext, type SendOptions } from './compose.ts'
import { bufferDirect } from './direct-publish.ts'
import { Doorbell } from './doorbell.ts'
import { createRelay, outboxBell, type Relay, type RelayOptions } from './relay.ts'

export interface OutboxOptions {
  /** the service's database: for the doorbell and for the relay, never for your transactions */
  database: DatabaseLike
  /** default: warnings and errors, a JSON line each, on standard error */
  logger?: Logger
}

export interface OutboxRelayOptions extends Omit<RelayOptions, 'contract' | 'database' | 'transport' | 'logger'> {
  /** default: the environment's SPANDREL_TRANSPORT_URL. A transport that was opened from a URL is closed with the outbox. */
  transport?: string | Transport | undefined
}

export interface Outbox<T extends ContractTypes = ContractTypes> {
  /**
   * Writes a message into the caller's transaction; its id. Rejects with `contract-violation`, `key-missing` or
   * `unknown-message` before anything is written. `options` may carry the correlation of what it answers to.
   */
  send<Name extends keyof T['sends'] & string>(
    joined: Joined,
    name: Name,
    data: T['sends'][Name],
    options?: SendOptions & SendContext,
  ): Promise<string>
  /** Starts a relay in this process. Rejects with `database-not-migrated` where the tables are missing. */
  relay(options?: OutboxRelayOptions): Promise<Relay>
  /** Stops the relay, after what is committed was sent or 5 s. Idempotent. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** An outbox of a contract. Nothing is opened until it is used. */
export function createOutbox<T extends ContractTypes>(contract: ServiceContract<T>, options: OutboxOptions): Outbox<T> {
  return new ContractOutbox(contract as ServiceContract, options) as unknown as Outbox<T>
}

const stopMs = 5000

class ContractOutbox {
  readonly #contract: ServiceContract
  readonly #database: Database
  readonly #logger: Logger
  readonly #watch: CommitWatch
  #doorbell: Doorbell | undefined
  #relay: Relay | undefined
  #opened: Transport | undefined
  #closing: Promise<void> | undefined

  constructor(contract: ServiceContract, options: OutboxOptions) {
    this.#contract = contract
    this.#database = asDatabase(options.database)
    this.#logger = options.logger ?? consoleLogger
    this.#watch = new CommitWatch(this.#database.query, () => this.#ring())
  }

  async send(joined: Joined, name: string, data: unknown, options: SendOptions & SendContext = {}): Promise<string> {
    if (this.#closing !== undefined) throw new SpandrelError('wrong-configuration', 'the outbox was closed')
    const message = compose(this.#contract, name, data, options, options)
    if (faults.mutant('publish-after-commit')) bufferDirect([message])
    else {
      const xid = await insertMessages(joined.query, [message])
      if (xid !== undefined) this.#watch.watch(xid)
    }
    return message.attributes.id
  }

  async relay(options: OutboxRelayOptions = {}): Promise<Relay> {
    if (this.#relay !== undefined) return this.#relay
    const { transport = process.env['SPANDREL_TRANSPORT_URL'], ...rest } = options
    if (transport === undefined || transport === '') {
      throw new SpandrelError('wrong-configuration', `the outbox of ${this.#contract.service} has no transport`, {
        hint: 'set SPANDREL_TRANSPORT_URL, or give relay() a `transport`',
      })
    }
    await checkMigrated(this.#database, this.#contract.service)
    if (typeof transport === 'string') this.#opened = await openTransport(transport)
    const relay = createRelay({
      ...rest,
      contract: this.#contract,
      database: this.#database,
      transport: typeof transport === 'string' ? (this.#opened as Transport) : transport,
      logger: this.#logger,
    })
    await relay.start()
    this.#relay = relay
    return relay
  }

  /** A relay here knows whether it is the one that works; without one, whoever listens is told. */
  #ring(): void {
    if (this.#relay !== undefined) {
      this.#relay.ring()
      return
    }
    if (this.#doorbell === undefined) {
      const notifier = this.#database.notifier?.(outboxBell)
      if (notifier === undefined) return
      this.#doorbell = new Doorbell(notifier)
    }
    this.#doorbell.ring('')
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#watch.close()
    await this.#relay?.stop({ deadlineMs: stopMs })
    await this.#doorbell?.close()
    await this.#opened?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
