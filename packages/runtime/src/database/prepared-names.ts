import { createHash } from 'node:crypto'

/**
 * A statement that begins with this is planned each time. For reads of tables that are empty one moment and huge the
 * next: a plan made for the empty table and kept would scan the huge one from end to end.
 */
export const planEachTime = '/* plan each time */'

/**
 * Names for the runtime's own statements, so that the server plans each once a connection. Only a bounded number of
 * texts gets one, and a driver behind a pooler that cannot prepare gets none any more once it has said so.
 */
export class PreparedNames {
  readonly #names = new Map<string, string>()
  #enabled: boolean

  constructor(enabled: boolean) {
    this.#enabled = enabled
  }

  of(sql: string): string | undefined {
    if (!this.#enabled || sql.startsWith(planEachTime)) return undefined
    const found = this.#names.get(sql)
    if (found !== undefined) return found
    if (this.#names.size >= 200) return undefined
    const name = `spandrel_${createHash('sha256').update(sql).digest('base64url').slice(0, 16)}`
    this.#names.set(sql, name)
    return name
  }

  /** 26000: no such statement; 42P05: it is there already. Both mean that somebody stands between us and the session. */
  saw(error: unknown): void {
    if (error instanceof Error && 'code' in error && (error.code === '26000' || error.code === '42P05'))
      this.#enabled = false
  }
}
