/**
 * Turns the JavaScript that ajv writes into TypeScript that passes the strictest compiler options.
 *
 * String literals are taken out first and put back last, so that nothing a contract's author wrote can look like code;
 * what remains has only the handful of statement forms that ajv's code generator knows, one a line. Everything is
 * `any` inside: the code was derived from a schema, there is nothing that its types could still find. A form that this
 * file does not know fails the type check of the generated file (and of the corpus in the tests), not a message.
 */
import type { ValidatorCode } from './validator-code.ts'

const HELPERS = ['codePointLength', 'deepEqual', 'formats', 'isMultipleOf']

export function typedSource(javascript: string): ValidatorCode {
  const strings: string[] = []
  const masked = javascript
    .replace('"use strict";\n', '')
    .replaceAll(/"(?:[^"\\\n]|\\.)*"/g, (text) => `#${strings.push(text) - 1}#`)
  const { code, names } = named(simplified(patterns(requires(masked, strings), strings)))
  const typed = withoutUnusedNames(indented(withoutUnused(annotated(code))))
  const text = typed.replaceAll(/#(\d+)#/g, (_match, index: string) => strings[Number(index)] ?? '')
  return { text, names, helpers: HELPERS.filter((helper) => new RegExp(String.raw`\b${helper}\b`).test(typed)) }
}

/**
 * Gives each function the name under which it was asked for, in place of ajv's number. Only function declarations can
 * be used above the line they stand on, so there are no constants for the names.
 */
function named(code: string): { code: string; names: ReadonlyMap<string, string> } {
  const byNumber = new Map<string, string>()
  const names = new Map<string, string>()
  const body = code.replaceAll(/^export const (\w+) = (\w+);\n/gm, (_match, name: string, numbered: string) => {
    if (!byNumber.has(numbered)) byNumber.set(numbered, name)
    names.set(name, byNumber.get(numbered) ?? name)
    return ''
  })
  return { code: body.replaceAll(/\bvalidate\d+\b/g, (numbered) => byNumber.get(numbered) ?? numbered), names }
}

/** ajv's own run-time helpers, by the runtime's. */
function requires(code: string, strings: readonly string[]): string {
  return code.replaceAll(/require\(#(\d+)#\)\.default/g, (_match, index: string) => {
    const path = strings[Number(index)] ?? ''
    if (path.includes('ucs2length')) return 'codePointLength'
    if (path.includes('equal')) return 'deepEqual'
    throw new Error(`ajv asks for a helper that the runtime does not have: ${path}`)
  })
}

/** The flags a pattern compiles with: without `u` where it is not a Unicode pattern. */
export function patternFlags(pattern: string, flags: string): string {
  try {
    return new RegExp(pattern, flags).flags
  } catch {
    return flags.replace('u', '')
  }
}

function patterns(code: string, strings: string[]): string {
  return code.replaceAll(/new RegExp\(#(\d+)#, #(\d+)#\)/g, (_match, source: string, flags: string) => {
    const text = strings[Number(source)] ?? '""'
    const used = patternFlags(JSON.parse(text) as string, JSON.parse(strings[Number(flags)] ?? '""') as string)
    return `new RegExp(#${source}#${used === '' ? '' : `, '${used}'`})`
  })
}

/** Leaves out what only custom keywords would read, and statements that cannot be reached. */
function simplified(code: string): string {
  return code
    .replaceAll(/,parentData:[^,}]+,parentDataProperty(?::[^,}]+)?,rootData(?=[,}])/g, '')
    .replaceAll(',parentData,parentDataProperty,rootData}', '}')
    .replaceAll(
      /\{instancePath=(\S+), parentData, parentDataProperty, rootData=data\}=\{\}/g,
      '{instancePath=$1}: any = {}',
    )
    .replaceAll(/return false;\nbreak(?: \w+)?;\n/g, 'return false;\n')
    .replaceAll(/(formats\d+)\.validate\(/g, '$1(')
    .replaceAll(/\n{2,}/g, '\n')
}

function annotated(code: string): string {
  return (
    code
      .replaceAll(/^function (\w+)\(data, /gm, 'function $1(data: any, ')
      .replaceAll(/^(function (\w+)\(.*\))\{$/gm, '$2.errors = undefined as any;\n$1: boolean {')
      .replaceAll(/^(\w+\.evaluated = .*);$/gm, '$1 as any;')
      .replaceAll(/\b(let|var|const) (\w+)(?=;| = |=)/g, '$1 $2: any')
      // The variable of a for-in is a string, and the text of a name may have to satisfy any schema.
      .replaceAll(/^for\(const (\w+) in /gm, 'let $1: any;\nfor($1 in ')
      // A look at the type of an `any` narrows it, down to `never` where a schema contradicts itself.
      .replaceAll(/\btypeof ([\w.[\]#]+)/g, 'typeof ($1 as any)')
      .replaceAll(/\bArray\.isArray\(([\w.[\]#]+)\)/g, 'Array.isArray($1 as any)')
  )
}

/** Drops the declarations that nothing reads, until none is left. */
function withoutUnused(code: string): string {
  let lines = code.split('\n')
  for (;;) {
    const uses = new Map<string, number>()
    for (const line of lines)
      for (const name of line.match(/\b[A-Za-z_]\w*\b/g) ?? []) uses.set(name, (uses.get(name) ?? 0) + 1)
    const kept = lines.filter((line) => {
      const name = /^const ((?:schema|wrapper|func|formats|pattern)\d+): any = /.exec(line)?.[1]
      return name === undefined || (uses.get(name) ?? 0) > 1
    })
    if (kept.length === lines.length) return kept.join('\n')
    lines = kept
  }
}

/** Within each function: names and labels that nothing reads, and parameters likewise. */
function withoutUnusedNames(code: string): string {
  const whole = /^(function \w+\()data: any, (\{instancePath=#\d+#\}: any = \{\})(\): boolean \{\n)([\s\S]*?\n\}$)/gm
  return code.replaceAll(whole, (_match, start: string, place: string, end: string, body: string) => {
    const used = markedAsUsed(
      body.replaceAll(/^ *(\w+):\n/gm, (label, name) => (body.includes(`break ${name};`) ? label : '')),
    )
    // A schema that takes anything looks at nothing; callers pass the arguments all the same.
    const data = /\bdata\b/.test(used) ? 'data: any' : '_data: any'
    return `${start}${data}, ${/\binstancePath\b/.test(used) ? place : '_place?: any'}${end}${used}`
  })
}

/** What follows a return in its block: nothing but declarations, which hold for the whole function, is kept. */
function withoutUnreachable(body: string): string {
  return body.replaceAll(/^( *)return false;\n((?:\1[^ {}][^{}\n]*;\n)+)/gm, (_match, indent: string, rest: string) => {
    const declared = Array.from(rest.matchAll(/\bvar (\w+): any/g), (found) => `${indent}var ${found[1]}: any;\n`)
    return `${indent}return false;\n${declared.join('')}`
  })
}

/** Below a schema that takes nothing, ajv forgets to declare what it notes for `unevaluated…`. */
function withBookkeeping(body: string): string {
  const noted = new Set(body.match(/\b(?:items|props)\d+\b/g))
  const missing = [...noted].filter((name) => !new RegExp(String.raw`\b(?:let|var|const) ${name}\b`).test(body))
  return `${missing.map((name) => `  let ${name}: any;\n`).join('')}${body}`
}

/** ajv keeps some values for messages that are then not written: inside `not`, say. */
function markedAsUsed(body: string): string {
  let text = body
  for (const name of new Set(Array.from(body.matchAll(/\b(?:let|var|const) (\w+): any/g), (found) => found[1] ?? ''))) {
    const reads = [...body.matchAll(new RegExp(String.raw`\b${name}\b(?!(?:: any)?(?:;| = |\+\+)|: any| in )`, 'g'))]
    if (reads.length === 0)
      text = text.replace(new RegExp(String.raw`^( *(?:let|var|const) ${name}: any.*)$`, 'm'), `$1 void ${name};`)
  }
  return text
}

/** ajv writes no indentation. Strings are still out, so each brace is one. */
function indented(code: string): string {
  let depth = 0
  const lines = code.split('\n').map((line) => {
    const opened = line.split('{').length - 1
    const closed = line.split('}').length - 1
    const leading = line.startsWith('}') ? 1 : 0
    const text = line === '' ? '' : `${'  '.repeat(Math.max(0, depth - leading))}${line}`
    depth += opened - closed
    return text
  })
  return lines.join('\n').trim()
}
