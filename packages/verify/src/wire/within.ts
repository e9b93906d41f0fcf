/**
 * Does a URL stay with the services a request may go to? Scheme, host and port are compared, as written by the user:
 * what an answer names (a `Location`) is a stranger's word, and must not lead a request and its credentials away.
 */
export function isWithin(url: string, bases: readonly string[]): boolean {
  const origin = originOf(url)
  return origin !== undefined && bases.some((base) => originOf(base) === origin)
}

function originOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { protocol, host } = new URL(url)
  return /^https?:$/.test(protocol) ? `${protocol}//${host}` : undefined
}
