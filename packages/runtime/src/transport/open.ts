/**
 * Opens a transport by its URL. `postgres://…` is the postgres stream; it needs the `pg` package, which a service that
 * uses Postgres has. Brokers join here.
 */
import { pgDatabase } from '../database/pg.ts'
import { SpandrelError } from '../errors.ts'
import { postgresTransport, type PostgresTransportOptions } from './postgres/postgres-transport.ts'
import type { Transport } from './transport.ts'

/** Connects lazily: a transport that cannot be reached fails at its first use, and again until it can. */
export async function openTransport(url: string, options: PostgresTransportOptions = {}): Promise<Transport> {
  const pool = await openPool(url, { max: 4 })
  const transport = postgresTransport(pgDatabase(pool), options)
  const closeTransport = transport.close.bind(transport)
  transport.close = async () => {
    await closeTransport()
    if (!pool.ended) await pool.end()
  }
  return transport
}

/** Connections to the database of a stream. Throws `wrong-configuration` where the URL names none. */
export async function openPool(url: string, settings: { max: number }): Promise<import('pg').Pool> {
  const scheme = url.slice(0, url.indexOf(':'))
  if (scheme !== 'postgres' && scheme !== 'postgresql') {
    throw new SpandrelError('wrong-configuration', `no transport for ${scheme || 'an empty URL'}:`, {
      hint: 'set SPANDREL_TRANSPORT_URL to postgres://user@host:port/database',
    })
  }
  const { default: pg } = await driver()
  return new pg.Pool({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    application_name: `${process.env['PGAPPNAME'] ?? 'spandrel'} stream`,
    pipeline: true,
    ...settings,
  })
}

async function driver(): Promise<typeof import('pg')> {
  try {
    return await import('pg')
  } catch (cause) {
    throw new SpandrelError('wrong-configuration', 'a postgres:// transport needs the package `pg`', {
      hint: 'npm install pg',
      cause,
    })
  }
}
