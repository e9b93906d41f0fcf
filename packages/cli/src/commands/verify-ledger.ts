/** `verify --ledger FILE`: keys planted for a later run; with `--due`, those whose time has come are sent again. */
import { existsSync } from 'node:fs'
import type { Ledger, Planted } from '@spandrel/verify'
import { CommandError } from '../output/command-error.ts'
import type { Output } from '../output/output.ts'
import { callersOf, type VerifyCommandOptions } from './verify-options.ts'

type Verify = typeof import('@spandrel/verify')

/** Undefined: none was named. Throws where it cannot be used; nothing is written to it then. */
export function openLedger(
  package_: Verify,
  service: string,
  { ledger, due }: VerifyCommandOptions,
): Ledger | undefined {
  if (ledger === undefined) {
    if (due !== true) return undefined
    throw new CommandError('which keys are due?', {
      where: '--due',
      fix: 'name the file they were planted in: --ledger FILE --due',
    })
  }
  // A slip in its name must not say every night that nothing is due.
  if (due === true && !existsSync(ledger)) {
    throw new CommandError(`there is no ledger ${ledger}`, {
      where: '--ledger',
      fix: 'name the file that an earlier run planted keys in; --ledger FILE without --due makes one',
    })
  }
  return told(package_, () => package_.Ledger.open(ledger, service))
}

/** What is to be sent again now, of these operations; says what is not, and when it will be. */
export function dueKeys(
  package_: Verify,
  ledger: Ledger,
  operations: readonly string[],
  options: VerifyCommandOptions,
  output: Output,
): Planted[] {
  const open = told(package_, () => ledger.open())
  const caller = package_.callerDigest(callersOf(options.caller)[0] ?? [])
  const gone = open.filter(({ ref }) => !operations.includes(ref))
  const mine = open.filter(({ ref }) => operations.includes(ref))
  const foreign = mine.filter((one) => one.caller !== caller)
  const names = (list: readonly Planted[]): string => [...new Set(list.map(({ ref }) => ref))].join(', ')
  if (gone.length > 0) output.note(`${keys(gone)} left alone: ${names(gone)} is not among the operations of this run`)
  if (foreign.length > 0)
    output.note(`${keys(foreign)} left alone: planted by another caller. Give the --caller of that run`)
  const own = mine.filter((one) => one.caller === caller)
  const now = Date.now()
  const due = package_.dueNow(own, now)
  if (due.length === 0) {
    const next = Math.min(...own.map((one) => package_.window(one).from).filter((from) => from > now))
    const when = Number.isFinite(next) ? new Date(next).toISOString() : undefined
    output.line(when === undefined ? 'Nothing is due, and nothing will be.' : `Nothing is due before ${when}.`)
    output.document({ version: 1, due: 0, ...(when !== undefined && { next: when }) })
  }
  return due
}

function keys(list: readonly Planted[]): string {
  return list.length === 1 ? '1 key is' : `${list.length} keys are`
}

function told<T>(package_: Verify, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof package_.LedgerUnusable)) throw error
    throw new CommandError(error.message, { where: '--ledger', fix: error.fix, cause: error })
  }
}
