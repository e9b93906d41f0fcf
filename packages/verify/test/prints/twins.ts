/** Correct print services: nothing they do may be failed. */
import type { Attacked } from '../attack-server.ts'
import { attackPrints } from './attack-prints.ts'

export interface PrintTwin {
  readonly what: string
  readonly least: number
  readonly attack: (admin: string, seed?: number) => Promise<Attacked>
}

const seeded = (seed: number | undefined): { seed?: number } => (seed === undefined ? {} : { seed })

export const printTwins = {
  prints: {
    what: 'plain Node: accepts, prints and calls back; replies to pushed messages',
    least: 20,
    attack: (admin, seed) => attackPrints(admin, seeded(seed)),
  },
  'prints, slow, by event': {
    what: 'the same, that takes half a second for a print and calls back with CloudEvents',
    least: 15,
    attack: (admin, seed) =>
      attackPrints(admin, { printMs: 500, events: true, only: ['askForPrint'], ...seeded(seed) }),
  },
} as const satisfies Record<string, PrintTwin>
