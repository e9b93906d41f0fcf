import type { Database, Notifier } from './database.ts'

/** What is needed of a `sql` for doorbells, structurally. */
export interface PostgresJsDoorbells {
  listen(
    channel: string,
    heard: (payload: string) => void,
    listening?: () => void,
  ): Promise<{ unlisten(): Promise<void> }>
  notify(channel: string, payload: string): PromiseLike<unknown>
}

/** Hints between processes, on the connection that postgres.js keeps for them. */
export function doorbells(sql: PostgresJsDoorbells): Pick<Database, 'listen' | 'notifier'> {
  return {
    async listen(channel, heard) {
      let before = false
      // Called with every new connection: for what may have been missed without one.
      const listening = (): void => {
        if (before) heard('')
        before = true
      }
      const heeded = await sql.listen(channel, heard, listening)
      return { close: () => heeded.unlisten() }
    },
    notifier: (channel): Notifier => ({
      notify: async (payload = '') => void (await Promise.resolve(sql.notify(channel, payload)).catch(() => {})),
      close: async () => {},
    }),
  }
}
