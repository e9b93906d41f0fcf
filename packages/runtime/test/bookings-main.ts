/**
 * The bookings service as a process of its own, for tests that need two, or that kill one. Prints its URL as a JSON
 * line; ends at SIGTERM. DATABASE_URL, BOOKINGS (options as JSON).
 */
import pg from 'pg'
import { runUntilSignal } from '../src/service/run-until-signal.ts'
import type { BookingOptions } from './bookings-contract.ts'
import { bookingService } from './bookings-service.ts'

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 10, pipeline: true })
const options = JSON.parse(process.env['BOOKINGS'] ?? '{}') as BookingOptions & { before?: boolean }
const service = bookingService(pool, options)
const { url } = await service.listen({ port: 0 })
console.log(JSON.stringify({ url }))
await runUntilSignal(service)
await pool.end()
