/** A request as it goes onto the wire, and what became of it. */

/** Headers in their order, as written; a name may come twice. */
export type HeaderList = readonly (readonly [name: string, value: string])[]

export interface Outgoing {
  /** upper case */
  readonly method: string
  /** absolute, `http:` or `https:` */
  readonly url: string
  readonly headers: HeaderList
  /** absent: no body */
  readonly body?: string
}

export interface Answer {
  readonly status: number
  /** names in lower case; several of one name joined by `, ` */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * What became of one request. Times are milliseconds on the clock given to `prepare`.
 *
 * `answer`: it was answered. `unsent`: its last byte never left, so no server can have acted on it.
 * `unknown`: its last byte left and no whole answer came; the server may have acted or not.
 */
export type Outcome =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'unsent' | 'unknown'; readonly why: string }

export interface Exchange {
  readonly outcome: Outcome
  /** when the last byte of the request was handed to the system */
  readonly sentAt?: number
  /** first and last byte of the answer */
  readonly firstByteAt?: number
  readonly lastByteAt?: number
  /** local address and port: which connection it was */
  readonly connection?: string
}

export function headerOf(headers: HeaderList, name: string): string | undefined {
  return headers.find(([one]) => one.toLowerCase() === name.toLowerCase())?.[1]
}

/** Replaces every header of that name; `undefined` removes it. */
export function withHeader(headers: HeaderList, name: string, value: string | undefined): HeaderList {
  const rest = headers.filter(([one]) => one.toLowerCase() !== name.toLowerCase())
  return value === undefined ? rest : [...rest, [name, value]]
}
