/** What `npm start -- …` understands. */
import { parseArgs } from 'node:util'

export interface Flags {
  /** milliseconds the shopper shops; undefined: until Ctrl-C */
  forMs: number | undefined
  chaos: boolean
  seed: number
  json: boolean
  report: string | undefined
  naive: boolean
  /** a revision */
  beside: string | undefined
  help: boolean
}

export const HELP = `The shop: five services, a gateway and a shopper, on an embedded Postgres.

  npm start                                  until Ctrl-C, with keys to play with
  npm start -- --for 30s --chaos --seed 7    kills and restarts random processes, then audits what is left
  npm start -- --naive                       the same shop with its guarantees off beside it; one table at the end
  npm start -- --beside v0.1.0               two releases at once, killed and restarted as the other one

  --for TIME     how long the shopper shops: 30s, 2m, 500ms; 24h at most
  --chaos        kill (SIGKILL) and restart services, relays and the gateway, by seed
  --seed N       the day that is played; 7 where it is not given
  --json         one JSON document on standard output, everything else on standard error
  --report FILE  write that document to a file
  --naive        guarantees off beside guarantees on: 30s of chaos unless --for says otherwise
  --beside REV   each service twice, once of that git revision, and the other one with every restart: 30s of chaos
                 unless --for says otherwise
  --help         this text

Exit code: 0 nothing was lost and nothing happened twice · 1 something was, and the document names the law · 2 could not run
`

/** A user's mistake: printed without a stack. */
export class UsageError extends Error {}

export function parseFlags(args: readonly string[]): Flags {
  const { values } = parse(args)
  const naive = values.naive ?? false
  const { beside } = values
  if (naive && beside !== undefined) throw new UsageError('--naive and --beside are two experiments: take one')
  const timed = naive || beside !== undefined
  return {
    forMs: values.for === undefined ? (timed ? 30_000 : undefined) : duration(values.for),
    chaos: timed || (values.chaos ?? false),
    seed: values.seed === undefined ? 7 : wholeNumber(values.seed),
    json: values.json ?? false,
    report: values.report,
    naive,
    beside,
    help: values.help ?? false,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        for: { type: 'string' },
        chaos: { type: 'boolean' },
        seed: { type: 'string' },
        json: { type: 'boolean' },
        report: { type: 'string' },
        naive: { type: 'boolean' },
        beside: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`, { cause: error })
  }
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
/** A timer of more than 24 days would go off at once. */
const LONGEST_MS = 24 * 3_600_000

function duration(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? []
  const factor = UNITS[unit]
  if (number === undefined || factor === undefined || Number(number) === 0) {
    throw new UsageError(`--for ${text} is no time; write it as 30s, 2m or 500ms`)
  }
  const ms = Number(number) * factor
  if (ms < 1 || ms > LONGEST_MS) throw new UsageError(`--for ${text} is out of bounds: from 1ms to 24h`)
  return ms
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--seed ${text} is no whole number of up to nine digits`)
  return Number(text)
}
