import { randomInt } from 'node:crypto'

/** A tracking code, `carrier:number`; undefined where nobody delivers. */
export function bookCarrier(postcode: string): string | undefined {
  if (postcode.startsWith('99')) return undefined // islands
  if (postcode.startsWith('98')) throw new Error(`nobody has decided yet who delivers to ${postcode}`)
  // One carrier's codes are known to be unreadable. Somebody has to look at those orders by hand.
  if (postcode === '00000') return 'oddball/????'
  const carrier = Number(postcode) < 50_000 ? 'swift' : 'steady'
  return `${carrier}:${randomInt(10 ** 9, 10 ** 10 - 1)}`
}
