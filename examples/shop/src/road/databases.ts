import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { seeded } from '../shopper/random.ts'
import { catalog } from './catalog.ts'
import { spandrel } from './command-line.ts'

export const SERVICES = ['orders', 'payments', 'inventory', 'shipping', 'ledger'] as const
export type ServiceName = (typeof SERVICES)[number]

export interface Databases {
  services: Readonly<Record<ServiceName, string>>
  stream: string
  /** stays empty: where the audit works */
  audit: string
  /** names on the server, for pg_stat_activity */
  names: readonly string[]
}

/** A database for each service and one for the stream, with their tables, Spandrel's tables and a full shelf. */
export async function makeDatabases(
  url: (database: string) => string,
  prefix: string,
  seed: number,
): Promise<Databases> {
  const names = [...SERVICES, 'stream', 'audit'].map((name) => `${prefix}${name}`)
  await withClient(url('postgres'), async (server) => {
    for (const name of names) await server.query(`create database ${name}`)
  })
  const services = Object.fromEntries(SERVICES.map((name) => [name, url(`${prefix}${name}`)])) as Record<
    ServiceName,
    string
  >
  const databases = { services, stream: url(`${prefix}stream`), audit: url(`${prefix}audit`), names }
  await spandrel(['migrate'], databaseVariables(databases))
  for (const name of SERVICES) {
    const schema = await readFile(new URL(`../../${name}/schema.sql`, import.meta.url), 'utf8')
    await withClient(services[name], async (client) => {
      await client.query(schema)
    })
  }
  await fillShelves(databases, seed)
  return databases
}

/** How the command line finds the databases. */
export function databaseVariables({ services, stream }: Databases): Record<string, string> {
  const own = SERVICES.map((name) => [`${name.toUpperCase()}_DATABASE_URL`, services[name]] as const)
  return { ...Object.fromEntries(own), SPANDREL_TRANSPORT_URL: stream }
}

async function fillShelves({ services }: Databases, seed: number): Promise<void> {
  const products = catalog(seeded(seed, 77))
  const column = (pick: (product: (typeof products)[number]) => unknown): unknown[] => products.map(pick)
  await withClient(services.inventory, async (client) => {
    await client.query('insert into products (sku, title) select * from unnest($1::text[], $2::text[])', [
      column(({ sku }) => sku),
      column(({ title }) => title),
    ])
    await client.query(
      "insert into stock_movements (sku, quantity, what) select sku, quantity, 'delivered' from unnest($1::text[], $2::int[]) d (sku, quantity)",
      [column(({ sku }) => sku), column(({ stock }) => stock)],
    )
  })
  await withClient(services.payments, async (client) => {
    await client.query(
      "insert into prices (sku, unit_price, currency) select sku, price, 'EUR' from unnest($1::text[], $2::int[]) p (sku, price)",
      [column(({ sku }) => sku), column(({ price }) => price)],
    )
  })
}

export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'shop' })
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end().catch(() => {})
  }
}
