/** Starts an embedded server in argv[2], prints what it knows as one JSON line, and holds it until its input ends. */
import { type EmbeddedPostgres, startPostgres } from '../../src/embedded/index.ts'

try {
  const server: EmbeddedPostgres = await startPostgres({ directory: process.argv[2]!, settings: { fsync: 'off' } })
  console.log(JSON.stringify({ pid: server.pid, url: server.url(), fresh: server.fresh }))
  process.stdin.resume().on('end', () => void server.close().then(() => console.log('closed')))
} catch (error) {
  console.log(JSON.stringify({ error: (error as Error).message }))
}
