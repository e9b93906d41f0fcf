/**
 * Carries the messages of a service without our code, in `dev`: node sidecar-process.ts <contract module> [url].
 * Its relay moves what `spandrel.publish` wrote; its push delivers what the service receives as HTTP POSTs.
 */
import { createPush, createRelay, type Loop, openTransport } from '@spandrel/runtime/operate'
import { pgDatabase } from '@spandrel/runtime/pg'
import pg from 'pg'
import { runChild } from './child-process.ts'
import { readForeignContract } from './foreign-contract.ts'

const [, , file = '', url = ''] = process.argv

await runChild('sidecar', async (logger) => {
  const contract = await readForeignContract(file)
  const name = contract.service
  const pool = new pg.Pool({
    connectionString: process.env['DATABASE_URL'],
    max: 6,
    application_name: `${name} sidecar`,
  })
  // A connection that breaks fails the query that was using it.
  pool.on('error', () => {})
  const database = pgDatabase(pool)
  const transport = await openTransport(process.env['SPANDREL_TRANSPORT_URL'] ?? '')
  const loops: Loop[] = []
  if (Object.keys(contract.sends).length > 0) loops.push(createRelay({ contract, database, transport, logger }))
  if (Object.keys(contract.receives).length > 0) {
    if (url === '') logger.warn({}, `${name} receives messages, and spandrel.yaml does not say where: add \`events\``)
    else loops.push(createPush({ contract, database, transport, url, logger }))
  }
  for (const loop of loops) await loop.start()
  logger.info({ loops: loops.map((loop) => loop.name).join(', '), ...(url !== '' && { url }) }, 'carrying messages')
  return async () => {
    await Promise.all(loops.map((loop) => loop.stop({ deadlineMs: 5000 })))
    await transport.close()
    await pool.end()
  }
})
