/** Statements of one connection, one at a time, in the order issued: for drivers that are not pipelining. */
export class StatementQueue {
  #last: Promise<unknown> = Promise.resolve()
  #length = 0

  push<T>(send: () => Promise<T>): Promise<T> {
    const result = this.#length === 0 ? send() : this.#last.then(send, send)
    this.#length++
    const settled = (): void => {
      this.#length--
    }
    this.#last = result.then(settled, settled)
    return result
  }
}
