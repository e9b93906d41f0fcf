import { Problem } from '../problem.ts'

/** A request target, split. `path` is as received: what was checked is what is forwarded. */
export interface RequestTarget {
  readonly path: string
  /** without `?`; empty where there is none */
  readonly query: string
  /** host and port of an absolute form */
  readonly authority?: string
}

/**
 * Splits a request target and refuses what a service could read differently than we do: the route that was matched
 * (and whose security was checked) must be the route that the service sees. Dot segments, backslashes, fragments,
 * control characters and broken escapes have no honest use; an encoded slash is refused unless it is allowed.
 */
export function splitTarget(url: string, encodedSlashes: 'refuse' | 'forward'): RequestTarget | Problem {
  let target = url
  let authority: string | undefined
  if (target.charCodeAt(0) !== 47 /* / */) {
    // RFC 9112, 3.2.2: a server must accept the absolute form.
    const absolute = /^https?:\/\/([^/?#]*)/i.exec(target)
    if (absolute === null) return new Problem('request-malformed', { detail: 'The request target is not a path.' })
    authority = absolute[1] ?? ''
    target = target.slice(absolute[0].length)
    if (target.charCodeAt(0) !== 47) target = `/${target}`
  }
  const mark = target.indexOf('?')
  const path = mark === -1 ? target : target.slice(0, mark)
  const query = mark === -1 ? '' : target.slice(mark + 1)
  // Nearly every path consists of these characters and has no segment of dots: one test, and done.
  if (!plain.test(path) || path.includes('/.')) {
    const fault = faultOf(path, encodedSlashes)
    if (fault !== undefined) return new Problem('request-malformed', { detail: fault })
  }
  if (query !== '' && forbidden.test(query)) {
    return new Problem('request-malformed', { detail: 'The query has a character that does not belong into a URL.' })
  }
  return authority === undefined ? { path, query } : { path, query, authority }
}

const plain = /^[A-Za-z0-9/_~.!$&'()*+,;=:@-]*$/
// eslint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u0020\u007f-\uffff#\\]/
// `..;x` is a dot segment to servers that know matrix parameters.
const dotSegment = /(?:^|[/\\])\.{1,2}(?:$|[/\\;])/

function faultOf(path: string, encodedSlashes: 'refuse' | 'forward'): string | undefined {
  if (forbidden.test(path)) return 'The path has a character that does not belong into a URL.'
  let decoded: string
  try {
    decoded = decodeURIComponent(path)
  } catch {
    return 'The path has a broken percent escape.'
  }
  if (dotSegment.test(decoded)) return 'The path has a dot segment.'
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(decoded)) return 'The path has an encoded control character.'
  if (decoded.includes('\\')) return 'The path has an encoded backslash.'
  if (encodedSlashes === 'refuse' && /%2f/i.test(path)) return 'The path has an encoded slash.'
  return undefined
}
