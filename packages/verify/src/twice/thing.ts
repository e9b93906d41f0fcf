/** What a URL makes, in words: `/v1/orders` makes orders. */
export interface Thing {
  readonly one: string
  readonly many: string
}

export function thingOf(url: string): Thing {
  const parts = new URL(url).pathname
    .split('/')
    .filter((part) => part !== '')
    .map((part) => decodeURIComponent(part))
  const last = parts.findLast((part) => /^[a-z][a-z_-]{2,}$/i.test(part) && !/^(api|rest|public)$/i.test(part))
  if (last === undefined) return { one: 'result', many: 'results' }
  const many = last.replaceAll(/[_-]/g, ' ').toLowerCase()
  if (!/[^s]s$/.test(many))
    return {
      one: many,
      many: /(s|x|ch|sh)$/.test(many) ? `${many}es` : /[^aeiou]y$/.test(many) ? `${many.slice(0, -1)}ies` : `${many}s`,
    }
  if (many.endsWith('ies')) return { one: `${many.slice(0, -3)}y`, many }
  return { one: many.replace(/(?<=ch|sh|x|ss)es$|s$/, ''), many }
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** `a second order`, and `an order`. */
export function article(noun: string): string {
  return `${/^[aeiou]/i.test(noun) ? 'an' : 'a'} ${noun}`
}
