/**
 * Passes over the functions of compiled validators that need to see a whole function: what the strictest compiler
 * options call unused or unreachable, and what ajv declares in one block and reads in another. Strings are masked and
 * the code is indented when it comes here: a function ends at the first brace in the first column.
 */

const FUNCTION = /^(function \w+\()data: any, (\{instancePath=#\d+#\}: any = \{\})(\): boolean \{\n)([\s\S]*?)(\n\}$)/gm

export function tidied(code: string): string {
  return code.replaceAll(FUNCTION, (_match, start: string, place: string, open: string, body: string, end: string) => {
    const tidy = markedAsUsed(withBookkeeping(withoutUnreachable(withoutUnusedLabels(body))))
    // A schema that takes anything looks at nothing; callers pass the arguments all the same.
    const data = /\bdata\b/.test(tidy) ? 'data: any' : '_data: any'
    return `${start}${data}, ${/\binstancePath\b/.test(tidy) ? place : '_place?: any'}${open}${tidy}${end}`
  })
}

function withoutUnusedLabels(body: string): string {
  return body.replaceAll(/^ *(\w+):\n/gm, (label, name: string) => (body.includes(`break ${name};`) ? label : ''))
}

/** What follows a return in its block is dropped, but what it declares may be used elsewhere in the function. */
function withoutUnreachable(body: string): string {
  const kept: string[] = []
  const declared = new Set<string>()
  let dead = Number.POSITIVE_INFINITY
  for (const line of body.split('\n')) {
    const depth = line.length - line.trimStart().length
    if (depth < dead) dead = Number.POSITIVE_INFINITY
    if (dead === Number.POSITIVE_INFINITY) kept.push(line)
    else for (const found of line.matchAll(/\bvar (\w+): any/g)) declared.add(found[1] ?? '')
    if (line.trim() === 'return false;') dead = Math.min(dead, depth)
  }
  const live = kept.join('\n')
  const missing = [...declared].filter(
    (name) => new RegExp(String.raw`\b${name}\b`).test(live) && !new RegExp(String.raw`\bvar ${name}\b`).test(live),
  )
  return `${missing.map((name) => `  var ${name}: any;\n`).join('')}${live}`
}

/** What ajv notes for `unevaluated…` is declared where it first arises, and may be read outside of that block. */
function withBookkeeping(body: string): string {
  const noted = [...new Set(body.match(/\b(?:items|props)\d+\b/g))]
  if (noted.length === 0) return body
  const assigned = body
    .replaceAll(/\b(?:let|var|const) ((?:items|props)\d+): any(?= =)/g, '$1')
    .replaceAll(/\b(?:let|var|const) ((?:items|props)\d+): any;/g, '$1 = undefined;')
  return `${noted.map((name) => `  let ${name}: any;\n`).join('')}${assigned}`
}

/** ajv keeps some values for messages that are then not written: inside `not`, say. */
function markedAsUsed(body: string): string {
  let text = body
  const declared = new Set(Array.from(body.matchAll(/\b(?:let|var|const) (\w+): any/g), (found) => found[1] ?? ''))
  for (const name of declared) {
    const read = new RegExp(String.raw`\b${name}\b(?!: any|;\n| = |\+\+| in )`)
    if (read.test(body)) continue
    text = text.replace(new RegExp(String.raw`^( *(?:let|var|const) ${name}: any.*)$`, 'm'), `$1 void ${name};`)
  }
  return text
}
