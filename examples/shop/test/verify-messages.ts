/**
 * The shop's messages under attack: each service alone with a stream of its own, so that nobody else answers what it
 * sends; killed and started, its database (and the card network) behind fault proxies, its effects counted in its tables.
 */
import { randomBytes } from 'node:crypto'
import type { Service } from '@spandrel/contract'
import {
  FaultProxy,
  type HeldLetter,
  judge,
  type MessageFacts,
  messageFacts,
  planService,
  type Profile,
  run,
  ServiceProcess,
  StreamRoad,
  type VerifyReport,
} from '@spandrel/verify'
import pg from 'pg'
import { type ServiceName, withClient } from '../src/road/databases.ts'
import { Road } from '../src/road/road.ts'

/** What counts the effects of a marker, and what lists those of a key in their order. */
interface Counting {
  counts: Readonly<Record<string, string>>
  lists?: Readonly<Record<string, string>>
}

const history = (what: string): string =>
  `select count(*)::int as n from order_history where order_id = $1 and what = '${what}'`
const booked = (what: string, sign: string): Counting => {
  const operation = what === 'capture' ? 'bookCapture' : 'bookRefund'
  const lines = `from bookings where account = 'card-receivables' and what = '${what}'`
  return {
    counts: { [operation]: `select count(*)::int as n ${lines} and amount = ${sign}$1::int` },
    lists: { [operation]: `select (${sign}amount)::text as marker ${lines} and order_id = $1 order by seq` },
  }
}
const [captures, refunds] = [booked('capture', ''), booked('refund', '-')]

const counting: Readonly<Record<ServiceName, Counting>> = {
  inventory: {
    counts: {
      reserveStock: `select count(*)::int as n from stock_movements where order_id = $1 and what in ('reserved', 'refused')`,
      putStockBack: `select count(*)::int as n from stock_movements where order_id = $1 and what = 'released'`,
    },
  },
  payments: {
    counts: {
      capturePayment: `select count(*)::int as n from payments where order_id = $1 and what in ('captured', 'declined')`,
      returnPayment: `select count(*)::int as n from payments where order_id = $1 and what = 'refunded'`,
    },
  },
  shipping: { counts: { bookShipment: 'select count(*)::int as n from shipments where order_id = $1' } },
  orders: {
    counts: {
      rejectOutOfStock: history('rejected'),
      rejectUnpaid: history('rejected'),
      undoOrder: history('rejected'),
      noteStockReleased: history('stock-released'),
      notePaymentRefunded: history('payment-refunded'),
      noteShipmentBooked: history('booked'),
      completeOrder: history('completed'),
    },
  },
  ledger: { counts: { ...captures.counts, ...refunds.counts }, lists: { ...captures.lists, ...refunds.lists } },
}

/** A proxy between somebody and what `url` names; the URL to use instead. */
export async function proxied(name: string, url: string): Promise<{ url: string; proxy: FaultProxy }> {
  const { hostname, port } = new URL(url)
  const target = { host: hostname, port: Number(port || 5432) }
  const proxy = await FaultProxy.start({ name, listen: { host: '127.0.0.1', port: 0 }, target })
  return { proxy, url: Object.assign(new URL(url), { host: `127.0.0.1:${proxy.port}` }).href }
}

/** Processes of a service: what is killed with it. */
const processes: Readonly<Record<ServiceName, readonly string[]>> = {
  inventory: ['inventory'],
  payments: ['payments'],
  shipping: ['shipping'],
  orders: ['orders'],
  ledger: ['ledger', 'ledger-push'],
}

/** The services without each other, and with the card network. */
export class Apart {
  readonly #road: Road
  readonly #streams: ReadonlyMap<string, string>
  readonly #proxies: ReadonlyMap<string, FaultProxy>

  static async start(options: { postgres: string; directory: string }): Promise<Apart> {
    const streams = new Map<string, string>()
    const proxies = new Map<string, FaultProxy>()
    const at = (database: string): string => Object.assign(new URL(options.postgres), { pathname: `/${database}` }).href
    const road = await Road.start({
      postgres: at,
      prefix: `m${randomBytes(3).toString('hex')}_`,
      seed: 7,
      directory: options.directory,
      only: [...Object.values(processes).flat(), 'cardnet'],
      async environment(member, env) {
        const service = member.replace('-push', '')
        const changed: Record<string, string> = { ...env }
        const between = async (variable: string, name: string): Promise<void> => {
          const { url, proxy } = await proxied(name, env[variable]!)
          changed[variable] = url
          proxies.set(`${member} ${name}`, proxy)
        }
        if (member in counting) await between('DATABASE_URL', 'database')
        if (member === 'payments') await between('CARDNET_URL', 'cardnet')
        const shared = env['SPANDREL_TRANSPORT_URL']
        if (shared === undefined) return changed
        const name = new URL(shared).pathname.slice(1)
        if (!streams.has(service)) {
          await withClient(at('postgres'), (client) =>
            client.query(`create database ${name}_${service} template ${name}`),
          )
          streams.set(service, at(`${name}_${service}`))
        }
        return { ...changed, SPANDREL_TRANSPORT_URL: streams.get(service)! }
      },
    })
    return new Apart(road, streams, proxies)
  }

  private constructor(road: Road, streams: ReadonlyMap<string, string>, proxies: ReadonlyMap<string, FaultProxy>) {
    this.#road = road
    this.#streams = streams
    this.#proxies = proxies
  }

  /** `push`: its messages are posted to it, past the one who usually does. */
  async verify(service: Service, profile: Profile, options: { file: string; push?: boolean }): Promise<VerifyReport> {
    const name = service.name as ServiceName
    const members = processes[name].map((member) => this.#road.member(member))
    const pool = new pg.Pool({ connectionString: this.#road.databases.services[name], max: 4 })
    const stream = await StreamRoad.open(this.#streams.get(name)!)
    const url = this.#road.urls[name]!
    const { counts, lists = {} } = counting[name]
    try {
      const { records } = await run({
        plan: planService(service, []),
        instances: [],
        profile,
        seed: 7,
        file: options.file,
        dependencies: [...this.#proxies].filter(([from]) => from.startsWith(`${name} `)).map(([, proxy]) => proxy),
        counters: Object.fromEntries(
          Object.entries(counts).map(([operation, query]) => [
            operation,
            async (marker) => (await pool.query<{ n: number }>(query, [marker])).rows[0]?.n ?? 0,
          ]),
        ),
        process: new ServiceProcess({
          ready: [`${url}/${name === 'ledger' ? 'health' : '.spandrel/ready'}`],
          control: {
            kill: async () => void (await Promise.all(members.map((member) => member.kill(100)))),
            start: async () => void (await Promise.all(members.map((member) => member.waitUntilUp(30_000)))),
          },
        }),
        messages: {
          facts: received(messageFacts(service, undefined, Object.keys(counts))),
          stream,
          ...(options.push === true && { push: { url: `${url}/events`, mode: 'binary' as const } }),
          held: async (ids) =>
            (
              await pool.query<HeldLetter>(
                'select message_id as id, source, type, attempts, reason, data from spandrel.held where dead_at is not null and message_id = any($1)',
                [ids],
              )
            ).rows,
          orders: Object.fromEntries(
            Object.entries(lists).map(([operation, query]) => [
              operation,
              async (key) => (await pool.query<{ marker: string }>(query, [key])).rows.map(({ marker }) => marker),
            ]),
          ),
        },
      })
      return judge(records)
    } finally {
      await stream.close()
      await pool.end()
    }
  }

  async stop(): Promise<void> {
    await this.#road.stop()
    for (const proxy of this.#proxies.values()) await proxy.close()
  }
}

/** What requests send, and what becomes of them, is seen where requests are made. */
function received(facts: MessageFacts): MessageFacts {
  const receives = new Set(facts.receives.map(({ ref }) => ref))
  const sends = facts.sends.filter(({ shownBy }) => shownBy.some(({ ref }) => receives.has(ref)))
  return { ...facts, sends, completions: [], unwatched: [] }
}
