import { createHash } from 'node:crypto'
import { isForeignSession } from './failure.ts'
import type { PgQueryable } from './pg-types.ts'
import { ownPid } from './terminate-backend.ts'

/**
 * A statement that begins with this is planned each time. For reads of tables that are empty one moment and huge the
 * next: a plan made for the empty table and kept would scan the huge one from end to end.
 */
export const planEachTime = '/* plan each time */'

/**
 * Names for the runtime's own statements, so that the server plans each once a connection. Only a bounded number of
 * texts gets one.
 *
 * A pooler that lends sessions out for a transaction does not keep what a client prepared: its statements fail because
 * they are not there, or because another client's of the same name are. So the first connection is looked at: a pooler
 * makes up the process id it greets its clients with, the server knows its own.
 */
export class PreparedNames {
  readonly #names = new Map<string, string>()
  #enabled: boolean | undefined
  #looking: Promise<void> | undefined

  /** `enabled`: undefined until the first connection tells. */
  constructor(enabled: boolean | undefined) {
    this.#enabled = enabled
  }

  /** To be awaited with each connection, before its first statement; one round trip in the life of a pool. */
  async meet(client: PgQueryable, answerMs: number): Promise<void> {
    if (this.#enabled !== undefined) return
    this.#looking ??= this.#look(client, answerMs).finally(() => {
      this.#looking = undefined
    })
    await this.#looking
  }

  async #look(client: PgQueryable, answerMs: number): Promise<void> {
    const { processID: greeted } = client as { processID?: unknown }
    const { rows } = await client.query({ text: ownPid, query_timeout: answerMs })
    // A driver that does not tell leaves it to the first statement that fails.
    this.#enabled ??= typeof greeted !== 'number' || rows[0]?.['pid'] === greeted
  }

  of(sql: string): string | undefined {
    if (this.#enabled !== true || sql.startsWith(planEachTime)) return undefined
    const found = this.#names.get(sql)
    if (found !== undefined) return found
    if (this.#names.size >= 200) return undefined
    const name = `spandrel_${createHash('sha256').update(sql).digest('base64url').slice(0, 16)}`
    this.#names.set(sql, name)
    return name
  }

  /** What was prepared is not there: the pooler came later, or passes the server's greeting on. */
  saw(error: unknown): void {
    if (isForeignSession(error)) this.#enabled = false
  }
}
