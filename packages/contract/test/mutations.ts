/**
 * Single faults put into valid documents, each on a line of its own that a reader would point at. Seeded, so that a
 * failure can be looked at again.
 */

export interface Mutation {
  readonly name: string
  readonly text: string
  /** from 1; any of them is the right place: a missing member is missing where its object begins */
  readonly lines: readonly number[]
}

type Mutator = (
  lines: readonly string[],
  pick: (from: readonly number[]) => number | undefined,
) => Omit<Mutation, 'name'> | undefined

/** Lines of YAML, outside of block scalars, that have a plain `key: value` or `key:`. */
const structural = [
  'openapi',
  'info',
  'title',
  'paths',
  'operationId',
  'responses',
  'parameters',
  'requestBody',
  'content',
  'schema',
  'in',
  'name',
  'components',
  'channels',
  'operations',
  'address',
  'messages',
  'action',
  'payload',
  'securitySchemes',
  'servers',
  'workflows',
  'steps',
  'stepId',
  'workflowId',
  'sourceDescriptions',
]

/** The text of block scalars, and comments. */
function proseLines(lines: readonly string[]): ReadonlySet<number> {
  const found = new Set<number>()
  let block: number | undefined
  for (const [index, line] of lines.entries()) {
    const indent = line.search(/\S/)
    if (line.startsWith('#') || (block !== undefined && (indent < 0 || indent > block))) found.add(index)
    else block = /[|>][+-]?\d?\s*$/.test(line) ? indent : undefined
  }
  return found
}

/** Everything below `example`, `examples` and `default` is data. */
function dataLines(lines: readonly string[]): ReadonlySet<number> {
  const found = new Set<number>()
  let inside: number | undefined
  for (const [index, line] of lines.entries()) {
    const indent = line.search(/\S/)
    if (inside !== undefined && indent > inside) found.add(index)
    else
      inside = /^\s*(?:- )?(example|examples|default|enum|x-[\w-]+|payload|replacements|value|links):\s*$/.test(line)
        ? indent
        : undefined
  }
  return found
}

function matching(lines: readonly string[], pattern: RegExp): readonly number[] {
  const [prose, data] = [proseLines(lines), dataLines(lines)]
  return lines.flatMap((line, index) => (pattern.test(line) && !prose.has(index) && !data.has(index) ? [index] : []))
}

function replaced(
  lines: readonly string[],
  index: number | undefined,
  change: (line: string) => string,
): Omit<Mutation, 'name'> | undefined {
  if (index === undefined) return undefined
  const text = lines.map((line, at) => (at === index ? change(line) : line)).join('\n')
  return { text, lines: [index + 1] }
}

const keyOf = (names: readonly string[]): RegExp => new RegExp(`^\\s*(?:- )?(${names.join('|')}):`)

/** Each by what it does to a document. */
export const mutators: Readonly<Record<string, Mutator>> = {
  'a key is misspelt': (lines, pick) =>
    // The object that lost its member may be named as well.
    withParent(
      lines,
      replaced(lines, pick(matching(lines, keyOf(structural))), (line) => line.replace(/(\w)(\w)(:)/, '$2$1x$3')),
    ),
  'a reference leads nowhere': (lines, pick) =>
    replaced(lines, pick(matching(lines, /\$ref: *['"]#\//)), (line) =>
      line.replace(/(\$ref: *['"]#\/[^'"]*)/, '$1Gone'),
    ),
  'an enum has another value': (lines, pick) =>
    replaced(lines, pick(matching(lines, /^\s*(- )?(in|action): *\w+\s*$/)), (line) =>
      line.replace(/: *\w+/, ': elsewhere'),
    ),
  'text stands where an object belongs': (lines, pick) =>
    block(
      lines,
      pick(matching(lines, /^\s*(info|paths|responses|components|schemas|channels|operations|messages|content):\s*$/)),
      'text',
    ),
  'an object stands where a list belongs': (lines, pick) =>
    block(lines, pick(matching(lines, /^\s*(parameters|servers|tags|steps|workflows|required):\s*$/)), '{ a: 1 }'),
  'a required member is gone': (lines, pick) => {
    const info = lines.findIndex((line) => line.startsWith('info:'))
    const end = lines.findIndex((line, at) => at > info && /^\S/.test(line))
    const own = matching(lines, /^ {2}(title|version): *\S/).filter((at) => at > info && at < end)
    const index = pick([...own, ...matching(lines, /^\s+(action|stepId): *\S/)])
    const gone = replaced(lines, index, (line) => line.replace(/[^\s-].*/, 'x-gone: true'))
    return withParent(lines, gone)
  },
  'a type does not exist': (lines, pick) =>
    replaced(lines, pick(matching(lines, /^\s+type: *(string|integer|object|array|boolean|number)\s*$/)), (line) =>
      line.replace(/type: *\w+/, 'type: strnig'),
    ),
  'a key is written twice': (lines, pick) => {
    const index = pick(matching(lines, /^\s+(title|operationId|summary|action|type): *\S+\s*$/))
    if (index === undefined) return undefined
    const text = lines.flatMap((line, at) => (at === index ? [line, line.replace('- ', '  ')] : [line])).join('\n')
    return { text, lines: [index + 1, index + 2] }
  },
  'a status is none': (lines, pick) =>
    replaced(lines, pick(matching(lines, /^\s+['"]?[1-5]\d\d['"]?:/)), (line) => line.replace(/[1-5]\d\d/, '9000')),
  'the version does not exist': (lines, pick) =>
    replaced(lines, pick(matching(lines, /^(openapi|asyncapi|arazzo):/)), (line) => line.replace(/: *.*/, ': 9.9.9')),
  'a flag is text': (lines, pick) =>
    replaced(lines, pick(matching(lines, /^\s+required: *(true|false)\s*$/)), (line) =>
      line.replace(/: *\w+/, ': perhaps'),
    ),
}

/** A nested value becomes a scalar: its lines go, and the fault is where the key stands. */
function block(lines: readonly string[], index: number | undefined, value: string): Omit<Mutation, 'name'> | undefined {
  if (index === undefined) return undefined
  const indent = lines[index]?.search(/\S/) ?? 0
  const end = lines.findIndex(
    (line, at) =>
      at > index &&
      line.trim() !== '' &&
      (line.search(/\S/) < indent || (line.search(/\S/) === indent && !line.trimStart().startsWith('- '))),
  )
  const kept = [...lines.slice(0, index), `${lines[index]} ${value}`, ...lines.slice(end < 0 ? lines.length : end)]
  return { text: kept.join('\n'), lines: [index + 1] }
}

function withParent(
  lines: readonly string[],
  mutation: Omit<Mutation, 'name'> | undefined,
): Omit<Mutation, 'name'> | undefined {
  const [line] = mutation?.lines ?? []
  if (mutation === undefined || line === undefined) return mutation
  const own = (lines[line - 1] ?? '').replace(/^(\s*)- /, '$1  ').search(/\S/)
  let parent = line - 2
  while (parent > 0 && !((lines[parent] ?? '').trim() !== '' && (lines[parent] ?? '').search(/\S/) < own)) parent--
  return { ...mutation, lines: [line, parent + 1] }
}

/** mulberry32 */
export function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** One mutation of a document by a seed, or undefined where the mutator finds nothing to change in it. */
export function mutate(text: string, name: string, seed: number): Mutation | undefined {
  const next = random(seed)
  const pick = (from: readonly number[]): number | undefined => from[Math.floor(next() * from.length)]
  const made = mutators[name]?.(text.split('\n'), pick)
  return made === undefined ? undefined : { name, ...made }
}
