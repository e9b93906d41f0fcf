/** Correct parcel services of different makes: nothing they do may be failed. */
import type { Attacked } from '../attack-server.ts'
import { attackParcels } from './attack-parcels.ts'

export interface ParcelTwin {
  readonly what: string
  /** so many checks come to a verdict */
  readonly least: number
  readonly attack: (admin: string, seed?: number) => Promise<Attacked>
}

const seeded = (seed: number | undefined): { seed?: number } => (seed === undefined ? {} : { seed })

export const parcelTwins = {
  'parcels, plain': {
    what: 'plain Node on Postgres, with an outbox and a consumer of its own; killed and started',
    least: 45,
    attack: (admin, seed) => attackParcels(admin, { carrier: true, ...seeded(seed) }),
  },
  'parcels, pushed to': {
    what: 'the same, its messages pushed to it in binary mode',
    least: 10,
    attack: (admin, seed) =>
      attackParcels(admin, { push: 'binary', carrier: true, only: ['bookParcel'], ...seeded(seed) }),
  },
  'parcels, pushed to, structured': {
    what: 'the same in structured mode',
    least: 7,
    attack: (admin, seed) =>
      attackParcels(admin, { push: 'structured', kill: false, only: ['bookParcel'], ...seeded(seed) }),
  },
  'parcels, on the runtime': {
    what: 'on our runtime; killed and started',
    least: 45,
    attack: (admin, seed) => attackParcels(admin, { make: 'runtime', ...seeded(seed) }),
  },
  'parcels, plain, skipping': {
    what: 'the plain one, that skips what fails, and promises no order',
    least: 12,
    attack: (admin, seed) =>
      attackParcels(admin, { contract: 'skip', kill: false, only: ['bookParcel'], ...seeded(seed) }),
  },
  'parcels, plain, skipping in order': {
    what: 'the same; what is not skipped stays in order',
    least: 14,
    attack: (admin, seed) =>
      attackParcels(admin, { contract: 'skip-ordered', kill: false, only: ['bookParcel'], ...seeded(seed) }),
  },
  'parcels, on the runtime, skipping in order': {
    what: 'on our runtime, that skips what fails and keeps the order of the rest',
    least: 14,
    attack: (admin, seed) =>
      attackParcels(admin, {
        contract: 'skip-ordered',
        make: 'runtime',
        kill: false,
        only: ['bookParcel'],
        ...seeded(seed),
      }),
  },
} as const satisfies Record<string, ParcelTwin>
