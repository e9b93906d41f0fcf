/**
 * Numbers as the decimals they were written as. Doubles divide wrongly (19.99 is a multiple of 0.01), so bounds and
 * multiples are compared as integers of a common scale.
 */
interface Decimal {
  /** the value is `digits / 10 ** scale` */
  readonly digits: bigint
  readonly scale: number
}

function decimal(value: number): Decimal {
  const [mantissa = '0', exponent = '0'] = String(value).split('e')
  const [whole = '0', fraction = ''] = mantissa.split('.')
  const scale = fraction.length - Number(exponent)
  const digits = BigInt(whole + fraction)
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 }
}

/** The number of decimal places that write every one of these numbers. */
export function commonScale(values: readonly number[]): number {
  return Math.max(0, ...values.map((value) => decimal(value).scale))
}

/** `value * 10 ** scale`, which must be whole. */
export function scaled(value: number, scale: number): bigint {
  const { digits, scale: own } = decimal(value)
  return digits * 10n ** BigInt(scale - own)
}

/** The number, or undefined where no double writes exactly these digits. */
export function unscaled(digits: bigint, scale: number): number | undefined {
  const value = Number(`${digits}e-${scale}`)
  if (!Number.isFinite(value)) return undefined
  const back = decimal(value)
  const most = Math.max(back.scale, scale)
  const same = back.digits * 10n ** BigInt(most - back.scale) === digits * 10n ** BigInt(most - scale)
  return same ? value : undefined
}

export function isMultiple(value: number, of: number): boolean {
  if (!Number.isFinite(value) || of === 0) return false
  const scale = commonScale([value, of])
  return scaled(value, scale) % scaled(of, scale) === 0n
}

export function leastCommonMultiple(left: bigint, right: bigint): bigint {
  let [a, b] = [left, right]
  while (b !== 0n) [a, b] = [b, a % b]
  return a === 0n ? 0n : (left / a) * right
}
