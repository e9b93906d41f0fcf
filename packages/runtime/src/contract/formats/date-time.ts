/** Dates and times of RFC 3339, and its appendix A durations (ISO 8601; any designators may be left out). */

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/
const TIME = /^(\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:[zZ]|([+-])(\d{2}):(\d{2}))$/
const DATE_PART = /^(?:\d+Y)?(?:\d+M)?(?:\d+D)?$/
const TIME_PART = /^(?:\d+H)?(?:\d+M)?(?:\d+S)?$/
const WEEKS = /^\d+W$/
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

export function isDate(text: string): boolean {
  const parts = DATE.exec(text)
  if (parts === null) return false
  const month = Number(parts[2])
  const day = Number(parts[3])
  return day >= 1 && day <= daysOf(Number(parts[1]), month)
}

export function isTime(text: string): boolean {
  const parts = TIME.exec(text)
  if (parts === null) return false
  const [hour, minute, second] = [Number(parts[1]), Number(parts[2]), Number(parts[3])]
  const [offsetHour, offsetMinute] = [Number(parts[5] ?? 0), Number(parts[6] ?? 0)]
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return false
  if (second < 60) return true
  // A leap second is inserted at 23:59:60 UTC, whatever the local clock shows then.
  const offset = (offsetHour * 60 + offsetMinute) * (parts[4] === '-' ? -1 : 1)
  return (hour * 60 + minute - offset + 2 * 1440) % 1440 === 1439
}

export function isDateTime(text: string): boolean {
  const separator = text[10]
  return (separator === 'T' || separator === 't') && isDate(text.slice(0, 10)) && isTime(text.slice(11))
}

export function isDuration(text: string): boolean {
  if (text[0] !== 'P') return false
  const rest = text.slice(1)
  if (WEEKS.test(rest)) return true
  const split = rest.indexOf('T')
  if (split === -1) return rest !== '' && DATE_PART.test(rest)
  const time = rest.slice(split + 1)
  return time !== '' && TIME_PART.test(time) && DATE_PART.test(rest.slice(0, split))
}

function daysOf(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return month === 2 && leap ? 29 : (DAYS[month - 1] ?? 0)
}
