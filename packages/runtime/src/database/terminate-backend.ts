/** Ending a transaction whose driver offers no way to its socket: another connection asks the server. */
import type { Query } from './database.ts'

/** Asked at its beginning: nobody can be asked once the connection is busy. */
export const ownPid = 'select pg_backend_pid() as pid'

/** Works for connections of one's own role. What cannot be sent is dropped: the server's own limits end it later. */
export function terminate(query: Query, pid: unknown): void {
  query('select pg_terminate_backend($1)', [pid]).catch(() => {})
}
