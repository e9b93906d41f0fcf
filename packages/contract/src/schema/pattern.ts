/**
 * A pattern as validators compile it (ECMA-262 with `u`), or undefined where it is no regular expression. Escapes that
 * `u` forbids and older engines let pass (`\_`, `\@`, `\-` outside brackets) lose their needless backslash, and braces
 * that stand for themselves get one.
 */
export function unicodePattern(pattern: string): string | undefined {
  if (compiles(pattern, 'u')) return pattern
  if (!compiles(pattern, '')) return undefined
  let result = ''
  let bracket = false
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern.charAt(index)
    if (character === '\\') {
      const next = pattern.charAt(++index)
      const needless = /[^\w^$\\.*+?()[\]{}|/-]/.test(next) || next === '_' || (next === '-' && !bracket)
      result += needless ? next : `\\${next}`
      continue
    }
    if (!bracket && '{}]'.includes(character)) {
      // A brace that is no quantifier, and a bracket that closes nothing, stand for themselves.
      const quantifier = character === '{' ? /^\{\d+(,\d*)?\}/.exec(pattern.slice(index))?.[0] : undefined
      result += quantifier ?? `\\${character}`
      index += (quantifier?.length ?? 1) - 1
      continue
    }
    if (character === '[') bracket = true
    if (character === ']') bracket = false
    result += character
  }
  return compiles(result, 'u') ? result : undefined
}

function compiles(pattern: string, flags: string): boolean {
  try {
    return new RegExp(pattern, flags) instanceof RegExp
  } catch {
    return false
  }
}
