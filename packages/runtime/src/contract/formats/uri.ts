/**
 * URIs of RFC 3986 and templates of RFC 6570. The text is cut into its parts as appendix B of RFC 3986 does, then
 * each part is held to its own character set; ASCII only (an IRI is not a URI).
 */
import { isIpv4, isIpv6 } from './internet.ts'

// scheme, authority, path, query, fragment: always matches
const PARTS = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s
const SCHEME = /^[a-zA-Z][a-zA-Z0-9+.-]*$/
const PATH = /^(?:[a-zA-Z0-9._~!$&'()*+,;=:@/-]|%[0-9a-fA-F]{2})*$/
const QUERY_OR_FRAGMENT = /^(?:[a-zA-Z0-9._~!$&'()*+,;=:@/?-]|%[0-9a-fA-F]{2})*$/
const USER = /^(?:[a-zA-Z0-9._~!$&'()*+,;=:-]|%[0-9a-fA-F]{2})*$/
const HOST = /^(?:[a-zA-Z0-9._~!$&'()*+,;=-]|%[0-9a-fA-F]{2})*$/
const FUTURE_ADDRESS = /^[vV][0-9a-fA-F]+\.[a-zA-Z0-9._~!$&'()*+,;=:-]+$/
const PORT = /^\d*$/
const LITERAL = /^(?:[^\0-\x20"'%<>\\^`{|}\x7f]|%[0-9a-fA-F]{2})*$/
// Operators that RFC 6570 keeps for the future are part of its grammar.
const EXPRESSION =
  /^[+#./;?&=,!@|]?(?:[a-zA-Z0-9_.]|%[0-9a-fA-F]{2})+(?::[1-9]\d{0,3}|\*)?(?:,(?:[a-zA-Z0-9_.]|%[0-9a-fA-F]{2})+(?::[1-9]\d{0,3}|\*)?)*$/

export function isUri(text: string): boolean {
  return isReference(text, true)
}

export function isUriReference(text: string): boolean {
  return isReference(text, false)
}

function isReference(text: string, absolute: boolean): boolean {
  const parts = PARTS.exec(text)
  if (parts === null) return false
  const [, scheme, authority, path = '', query = '', fragment = ''] = parts
  if (scheme === undefined ? absolute || startsWithColonSegment(text) : !SCHEME.test(scheme)) return false
  if (authority === undefined ? path.startsWith('//') : !isAuthority(authority) || !isAbsoluteOrEmpty(path))
    return false
  return PATH.test(path) && QUERY_OR_FRAGMENT.test(query) && QUERY_OR_FRAGMENT.test(fragment)
}

/** `:a/b` has no scheme, and its first segment may not hold a colon either. */
function startsWithColonSegment(text: string): boolean {
  const colon = text.indexOf(':')
  return colon !== -1 && !/[/?#]/.test(text.slice(0, colon))
}

function isAbsoluteOrEmpty(path: string): boolean {
  return path === '' || path.startsWith('/')
}

function isAuthority(text: string): boolean {
  const at = text.lastIndexOf('@')
  if (at !== -1 && !USER.test(text.slice(0, at))) return false
  const place = text.slice(at + 1)
  if (place.startsWith('[')) {
    const end = place.indexOf(']')
    if (end === -1) return false
    const rest = place.slice(end + 1)
    const address = place.slice(1, end)
    return (rest === '' || (rest.startsWith(':') && PORT.test(rest.slice(1)))) && isAddress(address)
  }
  const colon = place.indexOf(':')
  if (colon === -1) return HOST.test(place)
  return HOST.test(place.slice(0, colon)) && PORT.test(place.slice(colon + 1))
}

function isAddress(text: string): boolean {
  return !isIpv4(text) && (isIpv6(text) || FUTURE_ADDRESS.test(text))
}

export function isUriTemplate(text: string): boolean {
  for (const [index, piece] of text.split('{').entries()) {
    if (index === 0) {
      if (!LITERAL.test(piece)) return false
      continue
    }
    const end = piece.indexOf('}')
    if (end === -1 || !EXPRESSION.test(piece.slice(0, end)) || !LITERAL.test(piece.slice(end + 1))) return false
  }
  return true
}
