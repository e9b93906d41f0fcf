/**
 * A parsed runtime expression of a contract. The twin of `Expression` in the runtime, declared again because imports
 * point from the runtime to the contract and never back; both are plain data of the same shape.
 */
export type Expression =
  | { source: 'request.header' | 'request.query' | 'request.path'; name: string }
  | { source: 'request.body' | 'request.jwt' | 'message.payload' | 'message.header'; pointer: readonly string[] }
  | { source: 'event'; attribute: string }
