/**
 * HTTP push: delivers the messages of a service that runs none of our code, with the consumer's whole machinery (order
 * of a key, retries as rows, waiting, dead letters). The machinery's tables stand in that service's own database.
 *
 *     const push = createPush({ contract: ledger, database, transport, url: 'http://127.0.0.1:7005/events', logger })
 *     await push.start()
 *
 * Promised: at least once, at most one request of an ordering key outstanding. Not promised: once. The receiver keeps a
 * table of seen (source, id), written in the transaction of its effect (docs/other-languages.md).
 */
import { copiesDeadLetters } from '../contract/dead-letter-channel.ts'
import type { ContractTypes, ServiceContract } from '../contract/service-contract.ts'
import type { Database } from '../database/database.ts'
import { SpandrelError } from '../errors.ts'
import { createConsumer } from '../inbox/consumer.ts'
import { external, type ReceivedMessage } from '../inbox/handlers.ts'
import type { ConsumerTuning } from '../inbox/options.ts'
import { createRelay } from '../outbox/relay.ts'
import type { Logger, Loop } from '../service/loop.ts'
import type { Transport } from '../transport/transport.ts'
import { post } from './post.ts'

export interface PushOptions {
  /** the receiving service's contract: what it receives, and with which guarantees */
  contract: ServiceContract
  /** the receiving service's database, migrated */
  database: Database
  transport: Transport
  /** where messages are POSTed; http or https, without credentials */
  url: string
  /** sent with every message: `{ authorization: 'Bearer …' }` */
  headers?: Readonly<Record<string, string>>
  logger: Logger
  tuning?: Partial<ConsumerTuning>
}

/** Throws `wrong-configuration` for a URL that cannot be pushed to. */
export function createPush(options: PushOptions): Loop {
  const { contract, database, transport, logger, tuning, headers } = options
  const url = checked(options.url)
  const deliver = external<ReceivedMessage, ContractTypes, unknown, string | undefined>({
    act: (message, { signal }) => post(url, message, { headers: headers ?? {}, signal }),
    handle({ result: note }, context) {
      if (note !== undefined) context.note(note)
    },
  })
  // What sends has a relay of its own. Where only copies of dead letters leave, this one carries them.
  const relay =
    copiesDeadLetters(contract) && Object.keys(contract.sends).length === 0
      ? createRelay({ contract, database, transport, logger })
      : undefined
  const consumer = createConsumer({
    contract,
    database,
    transport,
    handlers: Object.fromEntries(Object.keys(contract.receives).map((operation) => [operation, deliver])),
    logger,
    ...(relay !== undefined && { onCommitted: () => relay.ring() }),
    ...(tuning !== undefined && { tuning }),
  })
  return relay === undefined ? consumer : withRelay(consumer, relay)
}

function withRelay(consumer: Loop, relay: Loop): Loop {
  return {
    name: consumer.name,
    async start() {
      await relay.start()
      await consumer.start()
    },
    async stop(options) {
      await consumer.stop(options)
      await relay.stop(options)
    },
    health() {
      const [own, its] = [consumer.health(), relay.health()]
      return { ...own, lastError: own.lastError ?? its.lastError, gauges: { ...its.gauges, ...own.gauges } }
    },
  }
}

function checked(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const wrong =
    url === undefined
      ? 'is no URL'
      : url.protocol !== 'http:' && url.protocol !== 'https:'
        ? 'is neither http nor https'
        : url.username !== '' || url.password !== ''
          ? 'carries credentials'
          : undefined
  if (url === undefined || wrong !== undefined) {
    // A password must not reach a log.
    const shown = url === undefined ? text : `${url.protocol}//${url.host}${url.pathname}`
    throw new SpandrelError('wrong-configuration', `messages cannot be pushed to ${shown}: it ${wrong}`, {
      hint: 'name an http or https URL; pass credentials in `headers`',
    })
  }
  return url
}
