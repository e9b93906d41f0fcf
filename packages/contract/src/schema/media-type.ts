/**
 * Whether a content type is one that a contract declares: `application/json`, `application/*+json`, `text/*`, and `*` of
 * both. `matches` takes it in lower case and without parameters; of several that match, the one of the highest rank is
 * meant.
 */
export function mediaTypeMatcher(declared: string): { rank: number; matches: (essence: string) => boolean } {
  const essence = (declared.split(';')[0] ?? '').trim().toLowerCase()
  if (essence === '*/*') return { rank: 0, matches: () => true }
  if (essence.endsWith('/*')) {
    const prefix = essence.slice(0, -1)
    return { rank: 1, matches: (other) => other.startsWith(prefix) }
  }
  const star = essence.indexOf('*')
  if (star !== -1) {
    // `application/*+json`
    const [before, after] = [essence.slice(0, star), essence.slice(star + 1)]
    return { rank: 2, matches: (other) => other.startsWith(before) && other.endsWith(after) }
  }
  return { rank: 3, matches: (other) => other === essence }
}
