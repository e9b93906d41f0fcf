import pg from 'pg'

export const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })

/** Makes a function that runs in a transaction of its own: committed when it returns, rolled back when it throws. */
export function inTransaction<A extends unknown[], R>(work: (client: pg.PoolClient, ...args: A) => Promise<R>) {
  return async (...args: A): Promise<R> => {
    const client = await pool.connect()
    try {
      await client.query('begin')
      const result = await work(client, ...args)
      await client.query('commit')
      return result
    } catch (error) {
      await client.query('rollback')
      throw error
    } finally {
      client.release()
    }
  }
}
