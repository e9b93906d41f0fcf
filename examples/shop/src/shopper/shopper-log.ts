import { closeSync, openSync, writeSync } from 'node:fs'

/**
 * Everything that was asked and told, one JSON object a line; half of what the audit judges by.
 * `try` counts the requests of one copy; `copy` tells copies that were sent at once apart.
 */
export type ShopperEntry = { storefront: string; key: string; reference: string; copy: number; try: number } & (
  | { what: 'asked'; poison: boolean }
  | { what: 'told'; status: number; orderId?: string; replayed: boolean }
  | { what: 'unanswered'; why: string }
)

export type OutcomeEntry = { what: 'outcome'; orderId: string; status: string }

export class ShopperLog {
  readonly file: string
  #descriptor: number | undefined

  constructor(file: string) {
    this.file = file
    this.#descriptor = openSync(file, 'a')
  }

  /** Written before the call returns: nothing is done on the strength of an entry that could be lost. */
  write(entry: ShopperEntry | OutcomeEntry): void {
    if (this.#descriptor === undefined) return
    writeSync(this.#descriptor, `${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`)
  }

  close(): void {
    if (this.#descriptor === undefined) return
    closeSync(this.#descriptor)
    this.#descriptor = undefined
  }
}
