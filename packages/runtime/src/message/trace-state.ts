/**
 * `tracestate` (https://www.w3.org/TR/trace-context/#tracestate-header): what others noted about a trace, passed on
 * unread. At most 32 members `key=value`, of which empty ones do not count; one that is malformed makes the whole
 * header void, as nobody could say where the next one starts.
 */
const KEY = /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})$/
const VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/

const MOST_MEMBERS = 32
/** All vendors have to pass on 512 characters. What is longer loses members of more than 128 first, then the last ones. */
const MOST_CHARACTERS = 512
const LARGE_MEMBER = 128

/**
 * What may be passed on of a `tracestate`, several headers joined by commas; undefined where that is nothing. Only
 * beside a valid `traceparent`: without one it belongs to no trace.
 */
export function usableTracestate(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  // Spaces may surround members; those inside a value are its own, so only its end is trimmed here and there.
  const members = text
    .split(',')
    .map((member) => member.replaceAll(/^[ \t]+|[ \t]+$/g, ''))
    .filter((member) => member !== '')
  if (members.length === 0 || members.length > MOST_MEMBERS || !members.every(isMember)) return undefined
  // From the end: the newest stand first.
  for (let index = members.length - 1; index >= 0 && lengthOf(members) > MOST_CHARACTERS; index--) {
    if ((members[index]?.length ?? 0) > LARGE_MEMBER) members.splice(index, 1)
  }
  while (lengthOf(members) > MOST_CHARACTERS) members.pop()
  return members.length === 0 ? undefined : members.join(',')
}

function lengthOf(members: readonly string[]): number {
  return members.reduce((sum, member) => sum + member.length + 1, -1)
}

function isMember(member: string): boolean {
  const at = member.indexOf('=')
  return at > 0 && KEY.test(member.slice(0, at)) && VALUE.test(member.slice(at + 1))
}
