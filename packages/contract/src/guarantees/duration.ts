const parts =
  /^P(?:(\d+(?:\.\d+)?)Y)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$/

const SECOND = 1000
const DAY = 86_400 * SECOND
/** in the order of the parts; a year counts 365 days, a month 30: contracts promise lengths, not calendar dates */
const weights = [365 * DAY, 30 * DAY, 7 * DAY, DAY, 3600 * SECOND, 60 * SECOND, SECOND]

/** An ISO 8601 duration in whole milliseconds, or undefined where the text is none. */
export function parseDuration(text: string): number | undefined {
  const found = parts.exec(text)
  if (found === null || text === 'P' || text.endsWith('T')) return undefined
  const total = weights.reduce((sum, weight, index) => sum + Number(found[index + 1] ?? 0) * weight, 0)
  return Number.isSafeInteger(Math.round(total)) ? Math.round(total) : undefined
}
