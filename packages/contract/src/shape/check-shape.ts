import { Findings } from '../findings/findings.ts'
import { didYouMean, listed, nearest } from '../findings/nearest.ts'
import type { SourceLocation } from '../model/location.ts'
import { describe, field } from '../source/node.ts'
import type { ListNode, MapNode, Node, ScalarNode } from '../source/node.ts'
import type { Sources } from '../source/sources.ts'
import { itemName } from '../structure/part-name.ts'
import { alternatives, expectation, hasType, typesOf, valuesOf } from './expectation.ts'
import type { Shape, ShapeDefinitions } from './shape.ts'

/** The keys Spandrel adds to documents. Misspelt or misplaced they would silently promise nothing. */
const ours = ['x-guarantees', 'x-integration', 'x-probe', 'x-effects', 'x-intent', 'x-sunset']

export interface ShapeOptions {
  readonly definitions: ShapeDefinitions
  readonly findings: Findings
  /** where references are followed; absent: a `$ref` is an ordinary member */
  readonly sources?: Sources
  /** of the specification the document follows: `{ name: 'OpenAPI', number: 3.1 }` */
  readonly version?: { readonly name: string; readonly number: number }
}

/** Checks a document against a shape and reports every fault, each where it stands. `name` is what messages call it. */
export function checkShape(node: Node, shape: Shape, name: string, options: ShapeOptions): void {
  new ShapeChecker(options).check(node, shape, name)
}

/** Where a value is, and what it is called. */
interface Subject {
  readonly name: string
  /** its key, for faults of the whole value: what is missing in an object is missing at its key */
  readonly keyAt: SourceLocation
}

class ShapeChecker {
  readonly #options: ShapeOptions
  #findings: Findings
  /** Targets of references wait here: a chain of references must not become a chain of stack frames. */
  readonly #queue: { node: Node; shape: Shape; subject: Subject }[] = []
  readonly #checked = new Map<Node, Set<Shape>>()

  constructor(options: ShapeOptions) {
    this.#options = options
    this.#findings = options.findings
  }

  check(node: Node, shape: Shape, name: string): void {
    this.#queue.push({ node, shape, subject: { name, keyAt: node.at } })
    for (let next = this.#queue.pop(); next !== undefined; next = this.#queue.pop()) {
      this.#value(next.node, next.shape, next.subject)
    }
  }

  #value(node: Node, shape: Shape, subject: Subject): void {
    if (this.#seen(node, shape)) return
    const branches = alternatives(shape, this.#options.definitions)
    const open = branches.find((branch) => branch['x-reference'] !== undefined)?.['x-reference']
    if (open !== undefined && this.#options.sources !== undefined && node.kind === 'map' && node.entries.has('$ref')) {
      this.#reference(node, shape, subject, open === 'beside')
      if (open !== 'beside') return
    }
    const fitting = branches.filter((branch) => hasType(node, typesOf(branch)))
    const [only] = fitting
    if (only === undefined) this.#wrongType(node, branches, subject)
    else if (fitting.length === 1) this.#alternative(node, only, branches, subject)
    else this.#best(node, fitting, subject)
  }

  /** One node can be reached as a member, through an alias and through references. */
  #seen(node: Node, shape: Shape): boolean {
    if (node.kind === 'scalar') return false
    const target = shape.$ref === undefined ? shape : (this.#options.definitions[shape.$ref.slice(8)] ?? shape)
    const shapes = this.#checked.get(node)
    if (shapes?.has(target)) return true
    if (shapes === undefined) this.#checked.set(node, new Set([target]))
    else shapes.add(target)
    return false
  }

  /** Several alternatives take this kind of value: the one with the fewest faults is what the author meant. */
  #best(node: Node, branches: readonly Shape[], subject: Subject): void {
    const values = branches.flatMap((branch) => valuesOf(branch) ?? [])
    if (node.kind === 'scalar' && values.includes(node.value)) return
    let best: { branch: Shape; faults: number } | undefined
    for (const branch of branches) {
      const scratch = new Findings()
      new ShapeChecker({ ...this.#options, findings: scratch }).#alternative(node, branch, branches, subject)
      const faults = scratch.sorted().length
      if (best === undefined || faults < best.faults) best = { branch, faults }
    }
    if (best !== undefined) this.#alternative(node, best.branch, branches, subject)
  }

  #alternative(node: Node, shape: Shape, all: readonly Shape[], subject: Subject): void {
    if (node.kind === 'map') this.#map(node, shape, subject)
    else if (node.kind === 'list') this.#list(node, shape, subject)
    else this.#scalar(node, shape, all, subject)
  }

  #wrongType(node: Node, branches: readonly Shape[], { name, keyAt }: Subject): void {
    const values = branches.flatMap((branch) => valuesOf(branch) ?? [])
    if (node.kind === 'scalar' && node.value === null) {
      const message = `\`${name}\` is empty; it must be ${expectation(branches)}`
      this.#findings.error(keyAt, 'empty-value', message, hintOf(branches) ?? 'write its value, or remove the key')
    } else if (node.kind === 'scalar' && values.length > 0) this.#notOneOf(node, branches, name)
    else {
      const message = `\`${name}\` must be ${expectation(branches)}; found ${describe(node)}`
      this.#findings.error(node.at, 'wrong-type', message, typeHint(node, branches))
    }
  }

  #notOneOf(node: ScalarNode, branches: readonly Shape[], name: string): void {
    const values = branches.flatMap((branch) => valuesOf(branch) ?? [])
    const others = branches.filter((branch) => valuesOf(branch) === undefined && typesOf(branch).join() !== 'object')
    const objects = branches.some((branch) => typesOf(branch).includes('object'))
    const allowed = [...values, ...(others.length > 0 ? [expectation(others)] : []), ...(objects ? ['an object'] : [])]
    const written = String(node.value)
    const meant = branches.flatMap((branch) => branch['x-synonyms']?.[written.toLowerCase()] ?? [])[0]
    const list = allowed.join(', ')
    const message =
      allowed.length === 1
        ? `\`${name}: ${written}\` must be \`${list}\``
        : `\`${name}: ${written}\` is not one of ${list}`
    const texts = values.filter((value) => typeof value === 'string')
    const hint = meant === undefined ? didYouMean(written, texts, `use ${list}`) : `did you mean \`${meant}\`?`
    this.#findings.error(node.at, 'unknown-value', message, hint)
  }

  #scalar(node: ScalarNode, shape: Shape, all: readonly Shape[], { name }: Subject): void {
    const values = valuesOf(shape)
    if (values !== undefined) {
      if (!values.includes(node.value)) this.#notOneOf(node, all, name)
      return
    }
    if (typeof node.value === 'string') {
      if (shape.minLength !== undefined && node.value.length < shape.minLength) {
        this.#findings.error(node.at, 'empty-value', `\`${name}\` is empty text`, shape['x-hint'] ?? 'write its value')
      } else if (shape.pattern !== undefined && !new RegExp(shape.pattern, 'u').test(node.value)) {
        const message = `\`${name}: ${shortened(node.value)}\` is not ${expectation(all)}`
        this.#findings.error(node.at, 'wrong-format', message, hintFor(node.value, shape))
      }
    } else if (typeof node.value === 'number') {
      const { minimum, maximum } = shape
      if ((minimum !== undefined && node.value < minimum) || (maximum !== undefined && node.value > maximum)) {
        const range = [
          ...(minimum === undefined ? [] : [`at least ${minimum}`]),
          ...(maximum === undefined ? [] : [`at most ${maximum}`]),
        ].join(' and ')
        const message = `\`${name}: ${node.source}\` must be ${range}`
        this.#findings.error(node.at, 'out-of-range', message, shape['x-hint'] ?? `write a number of ${range}`)
      }
    }
  }

  #list(node: ListNode, shape: Shape, { name }: Subject): void {
    if (shape.minItems !== undefined && node.items.length < shape.minItems) {
      const message = `\`${name}\` needs at least ${shape.minItems === 1 ? 'one item' : `${shape.minItems} items`}`
      this.#findings.error(node.at, 'too-few-items', message, shape['x-hint'] ?? 'add an item, or remove the key')
    }
    const { items } = shape
    if (items === undefined) return
    for (const [index, item] of node.items.entries()) {
      this.#value(item, items, { name: `${name}[${index}]`, keyAt: item.at })
    }
  }

  #map(node: MapNode, shape: Shape, subject: Subject): void {
    for (const [key, { keyAt, value }] of node.entries) {
      const inner = this.#member(key, keyAt, shape, subject)
      if (inner !== undefined) this.#value(value, inner, { name: key, keyAt })
    }
    const until = shape['x-required-until'] ?? {}
    const version = this.#options.version?.number ?? 0
    const required = [...(shape.required ?? []), ...Object.keys(until).filter((key) => version <= (until[key] ?? 0))]
    for (const key of required) {
      if (node.entries.has(key)) continue
      const [example] = shape.properties?.[key]?.examples ?? []
      const shown = example === undefined ? `\`${key}\`` : `\`${key}: ${exampleText(example)}\``
      const message = `\`${subject.name}\` has no \`${key}\`, which is required`
      this.#findings.error(subject.keyAt, 'missing-member', message, misspelt(key, node, shape) ?? `add ${shown}`)
    }
    this.#together(node, shape, subject)
    if (shape.minProperties !== undefined && node.entries.size < shape.minProperties) {
      this.#findings.error(
        subject.keyAt,
        'empty-value',
        `\`${subject.name}\` has no members`,
        shape['x-hint'] ?? 'add one',
      )
    }
  }

  /** Members that exclude each other, and those of which there must be one. */
  #together(node: MapNode, shape: Shape, { name, keyAt }: Subject): void {
    const either = shape['x-one-of']
    for (const pair of [...(either === undefined ? [] : [either]), ...(shape['x-exclusive'] ?? [])]) {
      const [first, second] = pair.flatMap((key) => {
        const entry = node.entries.get(key)
        return entry === undefined ? [] : [{ key, at: entry.keyAt }]
      })
      if (first === undefined && pair === either) {
        const message = `${called(node, name)} has neither \`${pair[0]}\` nor \`${pair[1]}\``
        this.#findings.error(keyAt, 'missing-member', message, shape['x-hint'] ?? `add \`${pair[0]}\``)
      }
      if (first === undefined || second === undefined) continue
      const at = comesAfter(first.at, second.at) ? first.at : second.at
      const message = `${called(node, name)} has both \`${first.key}\` and \`${second.key}\`, which exclude each other`
      this.#findings.error(at, 'exclusive-members', message, 'remove one of them')
    }
  }

  /** The shape a member must have; undefined where it is unknown (and reported) or anything may stand there. */
  #member(key: string, at: SourceLocation, shape: Shape, { name }: Subject): Shape | undefined {
    const known = shape.properties?.[key]
    if (known !== undefined && Object.hasOwn(shape.properties ?? {}, key)) {
      const { version } = this.#options
      const since = known['x-since']
      if (since !== undefined && version !== undefined && version.number < since) {
        const message = `\`${key}\` came with ${version.name} ${since.toFixed(1)}; this document is ${version.number.toFixed(1)}`
        this.#findings.error(at, 'newer-version-needed', message, `remove it, or write the newer version number on top`)
      }
      return known
    }
    const names = Object.keys(shape.properties ?? {})
    const pattern = Object.entries(shape.patternProperties ?? {}).find(([text]) => new RegExp(text, 'u').test(key))
    if (pattern !== undefined) {
      if (!key.startsWith('x-')) return pattern[1]
      const own = ours.filter((candidate) => !names.includes(candidate))
      if (own.includes(key)) {
        this.#findings.error(at, 'misplaced-key', `\`${key}\` means nothing here (in \`${name}\`)`, placeHint(key))
      } else {
        const meant = nearest(key, ours)
        if (meant !== undefined) {
          const message = `\`${key}\` is not a key we know, but almost one`
          this.#findings.error(at, 'unknown-key', message, `did you mean \`${meant}\`?`)
        }
      }
      return pattern[1]
    }
    if (shape['x-near-misses'] !== undefined && names.length > 0) {
      const meant = nearest(key, names)
      if (meant !== undefined && key.length > 2) {
        const message = `\`${key}\` is not a keyword, but almost one`
        this.#findings.warning(at, 'unknown-keyword', message, `did you mean \`${meant}\`?`)
      }
    }
    if (shape.additionalProperties !== false) return shape.additionalProperties
    const hint = names.length > 0 ? `the members are: ${listed(names)}` : 'remove it'
    const message = `\`${key}\` is not a member of \`${name}\``
    this.#findings.error(at, 'unknown-key', message, didYouMean(key, names, hint))
    return undefined
  }

  #reference(node: MapNode, shape: Shape, subject: Subject, beside: boolean): void {
    const reference = field(node, '$ref')
    if (reference?.kind !== 'scalar' || typeof reference.value !== 'string') {
      const hint = "write `$ref: '#/components/…'`"
      this.#findings.error(reference?.at ?? node.at, 'wrong-type', '`$ref` must be text', hint)
      return
    }
    for (const [key, { keyAt }] of beside ? [] : node.entries) {
      if (key === '$ref' || key === 'summary' || key === 'description' || key.startsWith('x-')) continue
      const hint = 'move it into what is referred to, or write the object out here'
      this.#findings.warning(keyAt, 'ignored-beside-reference', `\`${key}\` beside \`$ref\` is ignored`, hint)
    }
    const target = this.#options.sources?.resolve(reference.value, reference.at)
    if (target !== undefined) this.#queue.push({ node: target, shape, subject: { ...subject, keyAt: target.at } })
  }
}

/** parameter `limit` for `parameters[0]`. */
function called(node: Node, name: string): string {
  const item = /^(.*)\[(\d+)\]$/.exec(name)
  return item === null ? `\`${name}\`` : itemName(item[1] ?? '', Number(item[2]), node)
}

function comesAfter(one: SourceLocation, other: SourceLocation): boolean {
  return one.line > other.line || (one.line === other.line && one.column > other.column)
}

function misspelt(missing: string, node: MapNode, shape: Shape): string | undefined {
  const unknown = [...node.entries.keys()].filter((key) => !Object.hasOwn(shape.properties ?? {}, key))
  const meant = nearest(missing, unknown)
  return meant === undefined ? undefined : `rename \`${meant}\` to \`${missing}\``
}

function hintOf(branches: readonly Shape[]): string | undefined {
  return branches.find((branch) => branch['x-hint'] !== undefined)?.['x-hint']
}

function typeHint(node: Node, branches: readonly Shape[]): string {
  const types = branches.flatMap(typesOf)
  if (node.kind === 'scalar' && types.includes('string') && node.value !== null) {
    const { source } = node
    const texts = branches.filter((branch) => typesOf(branch).includes('string'))
    if (texts.some(({ pattern }) => pattern === undefined || new RegExp(pattern, 'u').test(source)))
      return `put it in quotes: '${source}'`
    const meant =
      typeof node.value === 'number' ? texts.find((branch) => branch['x-number-as'] !== undefined) : undefined
    if (meant !== undefined) return `write \`${meant['x-number-as']?.replace('{}', source)}\``
  }
  if (node.kind === 'scalar' && typeof node.value === 'string') {
    if (
      (types.includes('number') || types.includes('integer')) &&
      node.value !== '' &&
      !Number.isNaN(Number(node.value))
    ) {
      return `write it without quotes: ${node.value}`
    }
    if (types.includes('boolean') && /^(yes|on|true)$/i.test(node.value)) return 'write `true`'
    if (types.includes('boolean') && /^(no|off|false)$/i.test(node.value)) return 'write `false`'
  }
  if (node.kind !== 'list' && types.includes('array'))
    return hintOf(branches) ?? 'put `- ` before it to make it a list of one'
  return hintOf(branches) ?? `write ${expectation(branches)}`
}

function hintFor(value: string, shape: Shape): string {
  return shape['x-synonyms']?.[value.toLowerCase()] === undefined
    ? (shape['x-hint'] ?? 'correct it')
    : `did you mean \`${shape['x-synonyms'][value.toLowerCase()]}\`?`
}

function placeHint(key: string): string {
  switch (key) {
    case 'x-guarantees':
      return 'it belongs on an operation, a path item, the root of an OpenAPI document, or an AsyncAPI operation trait'
    case 'x-integration':
      return 'it belongs on `info`, or on an operation'
    case 'x-effects':
      return 'it belongs on an AsyncAPI operation with `action: receive`'
    case 'x-intent':
      return 'it belongs on an AsyncAPI message'
    default:
      return 'it belongs on an operation'
  }
}

function exampleText(example: unknown): string {
  return typeof example === 'string' ? example : JSON.stringify(example)
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
