/** What `verify` is given to send messages, to see them, and to see what was given up. */
import type { Service } from '@spandrel/contract'
import type { HeldReader, MessageFacts, MessageOptions, PlannedReceive } from '@spandrel/verify'
import pg from 'pg'
import { CommandError } from '../output/command-error.ts'
import { databaseIsAllowed, hostIsAllowed } from './verify-hosts.ts'
import type { VerifyCommandOptions } from './verify-options.ts'

type Verify = typeof import('@spandrel/verify')

export interface OpenedMessages {
  readonly options: MessageOptions
  close(): Promise<void>
}

/** The transport is only used where it is named: a stream that happens to be configured is somebody's. */
export async function openMessages(
  package_: Verify,
  facts: MessageFacts,
  service: Service,
  given: VerifyCommandOptions,
): Promise<OpenedMessages> {
  const { transport, database, allow } = given
  if (transport !== undefined) await databaseIsAllowed(package_, transport, allow, '--transport')
  const push = await pushOf(package_, service, given)
  const stream = transport === undefined ? undefined : await opened(package_, transport)
  const held = database === undefined ? undefined : await heldReader(database)
  return {
    options: {
      facts,
      ...(stream !== undefined && { stream }),
      ...(push !== undefined && { push }),
      ...(held !== undefined && { held: held.read }),
    },
    close: async () => {
      await stream?.close()
      await held?.close()
    },
  }
}

async function pushOf(
  package_: Verify,
  service: Service,
  given: VerifyCommandOptions,
): Promise<MessageOptions['push']> {
  const url = given.push === true ? service.events?.value : given.push
  if (given.push === true && url === undefined)
    throw new CommandError(`where are the messages of ${service.name} pushed to?`, {
      where: '--push',
      fix: 'write --push http://127.0.0.1:7005/events, or give the service `events` in spandrel.yaml',
    })
  if (url === undefined) return undefined
  await hostIsAllowed(package_, url, given.allow, '--push', 'http://127.0.0.1:7005/events')
  return { url, mode: given.pushMode ?? 'binary' }
}

async function opened(package_: Verify, url: string) {
  const stream = await package_.StreamRoad.open(url)
  try {
    await stream.watch([])
    return stream
  } catch (error) {
    await stream.close().catch(() => {})
    const inner = error instanceof AggregateError ? (error.errors[0] as unknown) : error
    throw new CommandError(`the stream cannot be read: ${inner instanceof Error ? inner.message : String(inner)}`, {
      where: '--transport',
      fix: 'give the database of the stream: postgres://user@host:port/database, after `spandrel migrate`',
      cause: error,
    })
  }
}

/** Dead letters of a service on the runtime; undefined where the database has no such table. */
async function heldReader(database: string): Promise<{ read: HeldReader; close: () => Promise<void> } | undefined> {
  const pool = new pg.Pool({
    connectionString: database,
    max: 2,
    connectionTimeoutMillis: 5000,
  })
  pool.on('error', () => {})
  const there = await pool
    .query<{ there: boolean }>(`select to_regclass('spandrel.held') is not null as there`)
    .then(({ rows }) => rows[0]?.there === true)
    .catch(() => false)
  if (!there) {
    await pool.end()
    return undefined
  }
  return {
    read: async (ids) => {
      const { rows } = await pool.query(
        `select message_id as id, source, type, attempts, reason, data from spandrel.held
         where dead_at is not null and message_id = any($1)`,
        [ids],
      )
      return rows
    },
    close: () => pool.end(),
  }
}

/** Services that can be verified: with HTTP operations, or with messages. */
export function isVerifiable({ external, operations, sends, receives }: Service): boolean {
  return !external && [operations, sends, receives].some((one) => Object.keys(one).length > 0)
}

/** Names of everything of a service that can be attacked. */
export function operationNames({ operations, receives, sends }: Service): string[] {
  return [operations, receives, sends].flatMap((one) => Object.keys(one))
}

/** What would be tested with these options; what is only planned opens nothing. */
export function plannedMessages(
  package_: Verify,
  { receives }: MessageFacts,
  given: VerifyCommandOptions,
): PlannedReceive[] {
  const { transport, push, start, dependency = [], database, profile = 'default' } = given
  const kind = push !== undefined ? 'push' : transport !== undefined ? 'stream' : undefined
  const road =
    kind === undefined
      ? undefined
      : {
          road: { kind, deliver: async () => {} } as const,
          dependencies: dependency as unknown as never[],
          held: database !== undefined,
          siblings: receives,
          ...(start !== undefined && { process: {} as unknown as never }),
        }
  return receives
    .filter(({ promised }) => Object.keys(promised).length > 0)
    .map((one) => package_.planReceive(one, road, package_.profiles[profile]))
}
