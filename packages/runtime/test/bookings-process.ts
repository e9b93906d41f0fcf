import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { endGroup, spawnGroup } from '../../cli/src/embedded/process-group.ts'
import type { BookingOptions } from './bookings-contract.ts'

export interface BookingsProcess {
  url: string
  child: ChildProcess
  /** resolves with how it ended */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** what the faults' log says */
  faults(): Promise<string>
  close(): Promise<void>
}

/** Starts the bookings service in a process, with faults armed if wanted, and waits until it listens. */
export async function bookingsProcess(
  databaseUrl: string,
  options: BookingOptions & { before?: boolean } = {},
  env: { faults?: string; mutant?: string } = {},
): Promise<BookingsProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'bookings-'))
  const log = join(folder, 'faults.log')
  const main = fileURLToPath(new URL('bookings-main.ts', import.meta.url))
  const child = spawnGroup(process.execPath, ['--conditions=spandrel-test', '--conditions=spandrel-source', main], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      BOOKINGS: JSON.stringify(options),
      SPANDREL_FAULT_LOG: log,
      ...(env.faults !== undefined && { SPANDREL_FAULTS: env.faults }),
      ...(env.mutant !== undefined && { SPANDREL_MUTANT: env.mutant }),
    },
  })
  const ended = once(child, 'exit').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }))
  if (child.stdout === null) throw new Error('no output')
  const lines = createInterface({ input: child.stdout })
  const first = await Promise.race([once(lines, 'line'), ended])
  if (!Array.isArray(first)) {
    await rm(folder, { recursive: true, force: true })
    throw new Error(`the service ended while starting: ${JSON.stringify(first)}`)
  }
  const { url } = JSON.parse(String(first[0])) as { url: string }
  return {
    url,
    child,
    ended,
    faults: () => readFile(log, 'utf8').catch(() => ''),
    close: async () => {
      await endGroup(child)
      await rm(folder, { recursive: true, force: true })
    },
  }
}
