/**
 * Turns the JavaScript that ajv writes into TypeScript that passes the strictest compiler options.
 *
 * String literals are taken out first and put back last, so that nothing a contract's author wrote can look like code;
 * what remains has only the handful of statement forms that ajv's code generator knows, one a line. Everything is
 * `any` inside: the code was derived from a schema, there is nothing that its types could still find. A form that this
 * file does not know fails the type check of the generated file (and of the corpus in the tests), not a message.
 */
import { tidied } from './tidy-functions.ts'

const HELPERS = ['codePointLength', 'deepEqual', 'formats', 'isMultipleOf']

export interface TypedSource {
  readonly text: string
  /** the same without types */
  readonly javascript: string
  /** helpers the text calls, to be imported from `@spandrel/runtime/validation` */
  readonly helpers: readonly string[]
}

export function typedSource(javascript: string): TypedSource {
  const strings: string[] = []
  const masked = javascript
    .replace('"use strict";\n', '')
    .replaceAll(/"(?:[^"\\\n]|\\.)*"/g, (text) => `#${strings.push(text) - 1}#`)
  const plain = named(simplified(patterns(requires(masked, strings), strings)))
  const typed = withoutUnused(tidied(indented(annotated(plain))))
  const whole = (code: string): string =>
    code.replaceAll(/#(\d+)#/g, (_match, index: string) => strings[Number(index)] ?? '')
  // While strings are out, nothing but an annotation looks like one.
  const untyped = typed.replaceAll(/\??: any\b|: boolean(?= \{)| as any\b/g, '')
  return {
    text: whole(typed),
    javascript: whole(untyped),
    helpers: HELPERS.filter((helper) => new RegExp(String.raw`\b${helper}\b`).test(typed)),
  }
}

/**
 * Gives each function the name under which it was asked for, in place of ajv's number. Only function declarations can
 * be used above the line they stand on, so there are no constants for the names.
 */
function named(code: string): string {
  const names = new Map<string, string>()
  const body = code.replaceAll(/^export const (\w+) = (\w+);\n/gm, (_match, name: string, numbered: string) => {
    names.set(numbered, name)
    return ''
  })
  return body.replaceAll(/\bvalidate\d+\b/g, (numbered) => names.get(numbered) ?? numbered)
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
      .replaceAll(/\btypeof ([\w$.[\]#]+)/g, 'typeof ($1 as any)')
      .replaceAll(/\bArray\.isArray\(([\w$.[\]#]+)\)/g, 'Array.isArray($1 as any)')
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
