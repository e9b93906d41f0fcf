/** Hosts and mailboxes: RFC 1123 names, RFC 2673 and 4291 addresses, RFC 5321 mailboxes. */

const LABEL = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?$/
const OCTET = /^(?:0|[1-9]\d{0,2})$/
const GROUP = /^[0-9a-fA-F]{1,4}$/
const ATOM = /^[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+$/
// What may stand inside quotes, with a backslash before any printable character.
const QUOTED = /^(?:[ !#-[\]-~]|\\[ -~])*$/
const LONGEST_NAME = 253
const LONGEST_LABEL = 63
const LONGEST_LOCAL_PART = 64
const LONGEST_MAILBOX = 254

export function isHostname(text: string): boolean {
  if (text.length > LONGEST_NAME) return false
  return text.split('.').every((label) => label.length <= LONGEST_LABEL && LABEL.test(label))
}

export function isIpv4(text: string): boolean {
  const octets = text.split('.')
  return octets.length === 4 && octets.every((octet) => OCTET.test(octet) && Number(octet) <= 255)
}

/** Eight groups; `::` once for two or more of zeros (one is tolerated); the last two may be an IPv4 address. */
export function isIpv6(text: string): boolean {
  const halves = text.split('::')
  if (halves.length > 2) return false
  const tail = halves.length === 2
  const head = groupsOf(halves[0] ?? '', !tail)
  const rest = tail ? groupsOf(halves[1] ?? '', true) : 0
  if (head === undefined || rest === undefined) return false
  return tail ? head + rest <= 7 : head === 8
}

/** How many groups stand there; undefined where one is malformed. */
function groupsOf(text: string, mayEndInIpv4: boolean): number | undefined {
  if (text === '') return 0
  const groups = text.split(':')
  const last = groups.at(-1) ?? ''
  const ipv4 = mayEndInIpv4 && last.includes('.')
  if (ipv4 && !isIpv4(last)) return undefined
  const plain = ipv4 ? groups.slice(0, -1) : groups
  return plain.every((group) => GROUP.test(group)) ? plain.length + (ipv4 ? 2 : 0) : undefined
}

export function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@')
  if (at < 1 || text.length > LONGEST_MAILBOX || at > LONGEST_LOCAL_PART) return false
  return isLocalPart(text.slice(0, at)) && isMailDomain(text.slice(at + 1))
}

function isLocalPart(text: string): boolean {
  if (text.length >= 2 && text.startsWith('"') && text.endsWith('"')) return QUOTED.test(text.slice(1, -1))
  return text.split('.').every((atom) => ATOM.test(atom))
}

function isMailDomain(text: string): boolean {
  if (!text.startsWith('[')) return isHostname(text)
  if (!text.endsWith(']')) return false
  const literal = text.slice(1, -1)
  return literal.startsWith('IPv6:') ? isIpv6(literal.slice(5)) : isIpv4(literal)
}
