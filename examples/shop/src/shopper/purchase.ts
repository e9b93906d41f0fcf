import { seeded } from './random.ts'

/** What a shopper sends to `POST /orders`. */
export interface Basket {
  reference: string
  sku: string
  quantity: number
  cardToken: string
  postcode: string
}

/** How somebody goes about one purchase; the interesting ways are those a bad line and an impatient thumb produce. */
type Manner =
  | { kind: 'once' }
  /** two copies at the same moment, each asking until it is answered */
  | { kind: 'twice-at-once' }
  /** hangs up after so long and asks again with the same key */
  | { kind: 'impatient'; hangUpMs: number }
  /** hangs up and never asks again: there may be one order, or none */
  | { kind: 'walks-away'; hangUpMs: number }
  /** asks again with the same key long after the answer */
  | { kind: 'asks-again' }
  /** uses the key of the first basket for another one: must be refused */
  | { kind: 'reuses-key'; other: Basket }

export interface Purchase {
  /** which storefront; each numbers its baskets by itself, so keys repeat between storefronts */
  storefront: number
  /** idempotency key */
  key: string
  basket: Basket
  manner: Manner
  /** seeded to become a dead letter */
  poison: boolean
}

export const STOREFRONTS = ['web', 'app', 'kiosk'] as const

/** Where the one carrier delivers whose tracking codes nobody can read: the order's next message is a poison one. */
export const POISON_POSTCODE = '00000'

/** The `index`th purchase of a seed. Nothing but its arguments decides it. */
export function purchase(seed: number, index: number, options: { poisons: boolean }): Purchase {
  const random = seeded(seed, index)
  const storefront = index % STOREFRONTS.length
  const number = String(Math.floor(index / STOREFRONTS.length)).padStart(6, '0')
  const poison = options.poisons && index % 90 === 4
  const basket = basketOf(random, `${STOREFRONTS[storefront]}-${number}`, poison)
  return {
    storefront,
    key: `basket-${number}`,
    basket,
    poison,
    manner: poison ? { kind: 'once' } : manner(random, basket),
  }
}

function basketOf(random: ReturnType<typeof seeded>, reference: string, poison: boolean): Basket {
  const sku = random.pick(['tea', 'tea', 'coffee', 'coffee', 'mug', 'honey', 'honey', 'kettle', 'print'])
  const unknown = random.chance(0.02)
  const declined = random.chance(0.1)
  const nobodyDelivers = random.chance(0.1)
  const card = String(random.between(100_000_000_000, 999_999_999_999))
  const postcode = String(random.between(10_000, 89_999))
  return {
    reference,
    sku: poison ? 'tea' : unknown ? 'philosophers-stone' : sku,
    quantity: random.between(1, 3),
    cardToken: `tok_${card}${declined && !poison ? '0002' : '4242'}`,
    postcode: poison ? POISON_POSTCODE : nobodyDelivers ? `99${postcode.slice(2)}` : postcode,
  }
}

function manner(random: ReturnType<typeof seeded>, basket: Basket): Manner {
  const dice = random.next()
  const hangUpMs = random.between(2, 30)
  if (dice < 0.15) return { kind: 'twice-at-once' }
  if (dice < 0.3) return { kind: 'impatient', hangUpMs }
  if (dice < 0.33) return { kind: 'walks-away', hangUpMs }
  if (dice < 0.38) return { kind: 'asks-again' }
  if (dice < 0.42)
    return {
      kind: 'reuses-key',
      other: { ...basket, reference: `${basket.reference}-other`, quantity: basket.quantity + 1 },
    }
  return { kind: 'once' }
}
