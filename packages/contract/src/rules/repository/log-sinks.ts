import { Findings } from '../../findings/findings.ts'
import { entriesAt, entriesOf, field, listAt, text as textOf } from '../../source/node.ts'
import type { Node } from '../../source/node.ts'
import { parseYaml } from '../../source/parse-yaml.ts'

/** The sinks of a log shipper's configuration, each with its type and where that stands. Comments are left out. */
export interface LogSink {
  readonly type: string
  readonly index: number
}

/** The same length, so that places stay where they are. */
function withoutComments(text: string): string {
  return text.replaceAll(/(^|\s)#[^\n]*/g, (comment) => ' '.repeat(comment.length))
}

/**
 * Types by the syntax tree, whatever the form: block or flow YAML, JSON. Undefined where the text cannot be parsed, as
 * with a template in it.
 */
function byTree(text: string, typesOf: (root: Node) => readonly (Node | undefined)[]): readonly LogSink[] | undefined {
  const root = parseYaml('', text, new Findings())
  if (root?.kind !== 'map') return undefined
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
  return typesOf(root).flatMap((node) => {
    const type = textOf(node)
    if (node === undefined || type === undefined) return []
    const index = (starts[node.at.line - 1] ?? 0) + node.at.column - 1
    return [{ type, index: text.indexOf(type, index) < 0 ? index : text.indexOf(type, index) }]
  })
}

/** Vector: `sinks: { name: { type } }` in YAML or JSON, `[sinks.name]` with `type = "…"` in TOML. */
export function vectorSinks(written: string): readonly LogSink[] {
  const tree = byTree(written, (root) => entriesAt(root, 'sinks').map(([, { value }]) => field(value, 'type')))
  if (tree !== undefined) return tree
  const text = withoutComments(written)
  const toml = sections(text, /^\[sinks\.[^\]]+\]/gm, /^\[/gm, /^\s*type\s*=\s*["']([\w-]+)["']/m)
  const yaml = sections(text, /^["']?sinks["']?\s*:/gm, /^[^\s#-]/gm, /^\s*["']?type["']?\s*:\s*["']?([\w-]+)/m, true)
  const json = sections(text, /"sinks"\s*:\s*\{/g, /\n\}|\n {2}\}/g, /"type"\s*:\s*"([\w-]+)"/, true)
  const found = [...toml, ...yaml, ...json]
  // One `type` can be reached by two of these forms; encodings and buffers have types of their own, deeper.
  const outermost = new Map(found.map((sink) => [sink.index, sink]))
  return [...outermost.values()].filter(({ index }) => !isInner(text, index))
}

/** `encoding:`, `buffer:`, `auth:` and such directly above, less indented. */
function isInner(text: string, index: number): boolean {
  const lines = text.slice(0, index).split('\n')
  const own = lines.pop()?.length ?? 0
  for (const line of lines.toReversed()) {
    const key = /^(\s*)["']?([\w-]+)["']?\s*[:=]\s*\{?\s*$/.exec(line)
    if (key === null || (key[1]?.length ?? 0) >= own) continue
    return /^(encoding|buffer|auth|codec|framing|tls|proxy|batch|healthcheck|acknowledgements|request)$/.test(
      key[2] ?? '',
    )
  }
  return false
}

/** Fluent Bit: `[OUTPUT]` with `Name` in its own format, `outputs: - name:` in YAML. */
export function fluentBitSinks(written: string): readonly LogSink[] {
  const tree = byTree(written, (root) =>
    [root, field(root, 'pipeline')]
      .flatMap((owner) => listAt(owner, 'outputs'))
      .map((output) => entriesOf(output).find(([key]) => key.toLowerCase() === 'name')?.[1].value),
  )
  if (tree !== undefined) return tree
  const text = withoutComments(written)
  const classic = sections(text, /^\s*\[OUTPUT\]/gim, /^\s*\[/gm, /^\s*name\s+([\w-]+)/im)
  const yaml = sections(
    text,
    /^\s*outputs\s*:/gm,
    /^\s{0,4}(?!-)[\w-]+\s*:\s*$/gm,
    /^\s*(?:-\s*)?name\s*:\s*["']?([\w-]+)/im,
    true,
  )
  return [...classic, ...yaml]
}

/** Logstash: the plugins directly inside `output { … }`, or inside an `if` there. */
export function logstashSinks(written: string): readonly LogSink[] {
  const text = withoutComments(written)
  const found: LogSink[] = []
  for (const block of text.matchAll(/^\s*output\s*\{/gm)) {
    let depth = 1
    let plugin = Number.POSITIVE_INFINITY
    let index = block.index + block[0].length
    while (index < text.length && depth > 0) {
      const rest = text.slice(index)
      const open = /^(\w+)\s*\{/.exec(rest)
      const branch = /^(?:else\s+if|if|else)\b[^{]*\{/.exec(rest)
      if (branch !== null && depth < plugin) {
        depth++
        index += branch[0].length
      } else if (open !== null) {
        if (depth < plugin) {
          found.push({ type: open[1] ?? '', index })
          plugin = depth + 1
        }
        depth++
        index += open[0].length
      } else {
        if (text[index] === '{') depth++
        if (text[index] === '}') {
          depth--
          if (depth < plugin) plugin = Number.POSITIVE_INFINITY
        }
        index++
      }
    }
  }
  return found
}

/** The first match of `type` (or, with `all`, each) between each `start` and the next `end`. */
function sections(text: string, start: RegExp, end: RegExp, type: RegExp, all = false): readonly LogSink[] {
  return [...text.matchAll(start)].flatMap((head) => {
    const from = head.index + head[0].length
    end.lastIndex = from
    const to = end.exec(text)?.index ?? text.length
    const part = text.slice(from, to)
    const types = all ? [...part.matchAll(new RegExp(type.source, `${type.flags}g`))] : [type.exec(part)]
    return types.flatMap((found) =>
      found === null ? [] : [{ type: found[1] ?? '', index: from + found.index + found[0].indexOf(found[1] ?? '') }],
    )
  })
}
