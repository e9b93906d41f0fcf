/** Compiled patterns. A pattern that does not compile with `u` is tried without, as validators do. */
const compiled = new Map<string, RegExp | undefined>()
const MOST = 5000

export function patternMatches(pattern: string, text: string): boolean {
  if (!compiled.has(pattern)) {
    if (compiled.size >= MOST) compiled.clear()
    compiled.set(pattern, compile(pattern, 'u') ?? compile(pattern, ''))
  }
  return compiled.get(pattern)?.test(text) ?? true
}

function compile(pattern: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(pattern, flags)
  } catch {
    return undefined
  }
}
