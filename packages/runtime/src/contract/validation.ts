/**
 * Everything a generated `*.contract.ts` imports: the shape of a contract, and what compiled validators call. It
 * loads no other part of the runtime, so a contract can also be used where no service runs.
 */
export { codePointLength } from './code-point-length.ts'
export { deepEqual } from './deep-equal.ts'
export { formats } from './formats.ts'
export { isMultipleOf } from './multiple-of.ts'
export type * from './http-status.ts'
export type * from './service-contract.ts'
