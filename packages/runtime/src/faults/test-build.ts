/**
 * The test build's faults, armed by environment variables:
 *   SPANDREL_FAULTS    `relay.published=kill@3;inbox.committed=stop` — name = action [@ the nth time it is passed]
 *                      actions: kill (SIGKILL self), stop (SIGSTOP self), exit (exit code 1), throw, delay:<ms>
 *   SPANDREL_FAULT_LOG a file; every fault that fires appends `<pid> <name> <action>` before it acts, so that a test
 *                      can assert that its fault fired
 *   SPANDREL_MUTANT    names of deliberate defects, separated by commas
 */
import { appendFileSync } from 'node:fs'
import type { MutantName } from './none.ts'

export type { MutantName } from './none.ts'

interface Armed {
  action: string
  nth: number
  passed: number
}

const armed = new Map<string, Armed>()
for (const entry of (process.env['SPANDREL_FAULTS'] ?? '').split(';').filter(Boolean)) {
  const [name = '', rest = ''] = entry.split('=')
  const [action = '', nth = '1'] = rest.split('@')
  armed.set(name.trim(), { action: action.trim(), nth: Number(nth), passed: 0 })
}
const mutants = new Set((process.env['SPANDREL_MUTANT'] ?? '').split(',').filter(Boolean))

export const faults = {
  point(name: string): void | Promise<void> {
    const fault = armed.get(name)
    if (fault === undefined || ++fault.passed !== fault.nth) return
    const log = process.env['SPANDREL_FAULT_LOG']
    if (log !== undefined) appendFileSync(log, `${process.pid} ${name} ${fault.action}\n`)
    if (fault.action === 'kill') process.kill(process.pid, 'SIGKILL')
    else if (fault.action === 'stop') process.kill(process.pid, 'SIGSTOP')
    else if (fault.action === 'exit') process.exit(1)
    else if (fault.action === 'throw') throw new Error(`fault ${name}`)
    else if (fault.action.startsWith('delay:')) {
      const ms = Number(fault.action.slice('delay:'.length))
      return new Promise((resolve) => setTimeout(resolve, ms))
    }
  },
  mutant(name: MutantName): boolean {
    return mutants.has(name)
  },
  /** For tests in the same process: arms one fault. */
  arm(name: string, action: string, nth = 1): void {
    armed.set(name, { action, nth, passed: 0 })
  },
  /** For tests in the same process: how often a point was passed since it was armed. */
  passed(name: string): number {
    return armed.get(name)?.passed ?? 0
  },
  disarm(): void {
    armed.clear()
  },
}
