/** The system of two services on a server of its own, as in production, where `doctor` looks at what a test breaks. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { assert } from 'vitest'
import { type Limits, usualLimits } from '../src/doctor/check.ts'
import { examine, type Examined } from '../src/doctor/examine.ts'
import { type EmbeddedPostgres, startPostgres } from '../src/embedded/index.ts'
import { migrateDatabases } from '../src/system/migrate-databases.ts'
import { openSystem } from '../src/system/open-system.ts'
import { pairFolder } from './pair.ts'
import { until } from './waiting.ts'

export type Name = 'front' | 'back' | 'stream'
const names = ['front', 'back', 'stream'] as const

export interface Looking {
  env?: Record<string, string | undefined>
  limits?: Partial<Limits>
}

export interface Seen {
  check: string
  about: string
  what: string
  fix: string
}

export class DoctorServer {
  readonly server: EmbeddedPostgres
  /** superusers */
  readonly admins: ReadonlyMap<Name, pg.Client>
  /** for commands: each service as a role of its own that owns nothing */
  readonly env: Readonly<Record<string, string>>
  /** checks that have found what they look for */
  readonly proven = new Set<string>()
  readonly #somebody: ReturnType<typeof createServer>

  private constructor(
    server: EmbeddedPostgres,
    admins: ReadonlyMap<Name, pg.Client>,
    somebody: ReturnType<typeof createServer>,
  ) {
    this.server = server
    this.admins = admins
    this.#somebody = somebody
    const there = `http://127.0.0.1:${(somebody.address() as AddressInfo).port}`
    this.env = {
      FRONT_DATABASE_URL: this.#as('front_app', 'front'),
      BACK_DATABASE_URL: this.#as('back_app', 'back'),
      SPANDREL_TRANSPORT_URL: this.#as('stream_app', 'stream'),
      SPANDREL_MANAGEMENT_TOKEN: 'a-token-that-is-long',
      SPANDREL_MANAGEMENT_PORT: '0',
      FRONT_URL: there,
      BACK_URL: there,
    }
  }

  /** Migrated; the roles may do nothing yet. */
  static async start(): Promise<DoctorServer> {
    // What is asked of a production server, this one does: it waits for the disk.
    const server = await startPostgres({ settings: { wal_level: 'logical', max_prepared_transactions: '5' } })
    const root = new pg.Client(server.url())
    await root.connect()
    for (const name of names) {
      await root.query(`create database ${name}`)
      await root.query(`create role ${name}_app login`)
    }
    await root.end()
    const admins = new Map<Name, pg.Client>()
    for (const name of names) {
      const admin = new pg.Client(server.url(name))
      admin.on('error', () => {})
      await admin.connect()
      admins.set(name, admin)
    }
    const at = (service: Name): { service: string; url: string; from: string } => ({
      service,
      url: server.url(service),
      from: 'the test',
    })
    await migrateDatabases(await openSystem(`${pairFolder}/spandrel.yaml`), {
      services: [at('front'), at('back')],
      stream: at('stream'),
    })
    // Where services are said to be: somebody answers.
    const somebody = createServer((_request, response) => response.writeHead(404).end())
    await new Promise<void>((resolve) => {
      somebody.listen(0, '127.0.0.1', resolve)
    })
    return new DoctorServer(server, admins, somebody)
  }

  #as(role: string, name: Name): string {
    const url = new URL(this.server.url(name))
    url.username = role
    return url.href
  }

  async close(): Promise<void> {
    for (const admin of this.admins.values()) await admin.end().catch(() => {})
    this.#somebody.closeAllConnections()
    this.#somebody.close()
    await this.server.close()
  }

  /** Statement by statement, as psql does: some may stand in no transaction. */
  async sql(name: Name, text: string): Promise<void> {
    const statements = /^do |\$\$/.test(text) ? [text] : text.split(/;\s*/)
    for (const one of statements) if (one.trim() !== '') await this.admins.get(name)!.query(one)
    // A session that is idle tells of the rows it wrote after 10 s only.
    await this.admins.get(name)!.query('select pg_stat_force_next_flush()')
  }

  async look(options: Looking = {}): Promise<Examined[]> {
    const given = { ...this.env, ...options.env }
    const system = await openSystem(`${pairFolder}/spandrel.yaml`, given)
    return examine(system, ['front', 'back'], { env: given, limits: { ...usualLimits, ...options.limits } })
  }

  /** Gives the roles what doctor says that they lack, one fix after the other, until it finds nothing. */
  async applyPrivileges(): Promise<void> {
    for (let rounds = 1; ; rounds++) {
      const found = findings(await this.look())
      if (found.length === 0) {
        assert(rounds > 1, 'nothing was lacking')
        return
      }
      assert.deepEqual([...new Set(found.map(({ check }) => check))], ['privileges'])
      for (const { about, fix } of found) await this.sql(about as Name, fix)
      assert(rounds < 5, 'the fixes do not help')
    }
  }

  /** Statistics and settings take a moment to be seen. */
  async finds(check: string, about: string, words: RegExp, options?: Looking): Promise<Seen> {
    const found = await until(`${check} of ${about} to find ${String(words)}`, async () => {
      const all = findings(await this.look(options))
      return all.find((one) => one.check === check && one.about === about && words.test(one.what))
    })
    assert.notEqual(found.fix.trim(), '')
    this.proven.add(check)
    return found
  }

  /** Findings, and checks that did not run, once they have had a moment to go: none where all is well. */
  async left(options?: Looking): Promise<unknown[]> {
    let last: unknown[] = []
    const gone = async (): Promise<boolean> => {
      const examined = await this.look(options)
      last = [...findings(examined), ...examined.filter(({ notRun }) => notRun !== undefined)]
      return last.length === 0
    }
    await until('nothing to be wrong', gone).catch(() => {})
    return last
  }
}

export function findings(examined: readonly Examined[]): Seen[] {
  return examined.flatMap(({ check, about, findings: found }) =>
    found.map(({ what, fix }) => ({ check, about, what, fix })),
  )
}
