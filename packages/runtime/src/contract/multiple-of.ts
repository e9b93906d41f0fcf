/**
 * `multipleOf`, decided on the decimal numbers that were written and not on their doubles: 19.99 is a multiple of
 * 0.01, though 19.99 / 0.01 is 1998.9999999999998.
 */
export function isMultipleOf(value: number, divisor: number): boolean {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(divisor)) return value % divisor === 0
  const [valueDigits, valueScale] = decimal(value)
  const [divisorDigits, divisorScale] = decimal(divisor)
  // Scales of doubles lie between -308 and 324: the powers stay small.
  const scale = Math.max(valueScale, divisorScale)
  return (
    (valueDigits * 10n ** BigInt(scale - valueScale)) % (divisorDigits * 10n ** BigInt(scale - divisorScale)) === 0n
  )
}

/** The shortest decimal that reads back as this double: digits and how many of them stand behind the point. */
function decimal(value: number): [digits: bigint, scale: number] {
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  return [BigInt(whole + fraction), fraction.length - Number(exponent)]
}
