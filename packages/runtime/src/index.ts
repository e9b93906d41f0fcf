export { Outage, SpandrelError, Terminal, type ErrorCode } from './errors.ts'
export type { Logger } from './service/loop.ts'
