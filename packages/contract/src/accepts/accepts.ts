import type { JsonSchema } from '../model/schema.ts'
import { isSchema } from '../generate/schema-keywords.ts'
import { pointerTo } from '../source/pointer.ts'
import { Confirmation } from './confirm.ts'
import { Differences, type LocalDifference } from './differences.ts'
import { partHolds } from './evaluate.ts'
import { no, yes } from './literal.ts'
import { readerPlace, writerPlace } from './places.ts'
import { Ids, SchemaDocument } from './schema-document.ts'
import { type AnyDialect, normalise, statedDialect } from './normalise.ts'
import type { SchemaNode, Side } from './schema-node.ts'
import { Search } from './search.ts'
import type { Verdict } from './theory.ts'
import type { AcceptsOptions, AcceptsResult, Difference, SchemaNames } from './types.ts'

const BUDGET = 20_000
const YES: AcceptsResult = { answer: 'yes', differences: [] }

/**
 * Whether every instance that the writer may produce is one that the reader accepts.
 *
 * `yes` is a proof. `no` comes with a witness: an instance that the writer may send and the reader rejects, confirmed
 * by ajv. Where neither is found within the budget the answer is `unknown`; that is a gap in this program and never a
 * break. A TypeError for what is no schema (an object or a boolean), never for anything that is one. `format` counts as an assertion, as in generated contracts.
 *
 * With the policy `tolerant` (default) a member that the writer does not declare is assumed absent. It is declared
 * where a schema of the writer that applies to the object names it, matches it by a pattern, or describes all others by
 * a schema other than `true`. Where the writer says explicitly that there may be others (`additionalProperties: true`),
 * or names no member at all, there may be any but those the reader names. With `strict` everything that the writer's
 * schema allows may be sent.
 *
 *     accepts({ type: 'integer', minimum: 1 }, { type: 'integer' })
 *     // { answer: 'no', differences: [{ keyword: 'minimum', reader: { pointer: '/minimum', value: 1 }, witness: 0, … }] }
 */
export function accepts(reader: JsonSchema, writer: JsonSchema, options: AcceptsOptions = {}): AcceptsResult {
  return createAccepts(options)(reader, writer)
}

/** Compares pairs of schemas that share their options: what one pair teaches is remembered for the next. */
export function createAccepts(options: AcceptsOptions = {}): (reader: JsonSchema, writer: JsonSchema) => AcceptsResult {
  const ids = new Ids()
  const search = new Search(options.policy ?? 'tolerant', ids)
  const differences = new Differences(search)
  const budget = options.budget ?? BUDGET
  const reading = new Reading('reader', ids, options.readerSchemas, options.readerDialect)
  const writing = new Reading('writer', ids, options.writerSchemas, options.writerDialect)
  return (reader, writer) => {
    const readerNode = reading.enter(reader)
    const writerNode = writing.enter(writer)
    const verdict = search.within(budget, [yes(writerNode), no(readerNode)])
    if (verdict.kind === 'none') return YES
    const found = differences.between(readerNode, writerNode, budget)
    const all = found.length > 0 ? found : [whole(readerNode, writerNode, verdict)]
    const confirmed = all.map((local) =>
      difference(
        local,
        (value) => writing.judges(writerNode, value) === true && reading.judges(readerNode, value) === false,
      ),
    )
    const isNo = confirmed.some(({ answer }) => answer === 'no')
    return { answer: isNo ? 'no' : 'unknown', differences: confirmed }
  }
}

/** One of the two sides: its schemas, in the search's form and in ajv's. */
class Reading {
  readonly #document: SchemaDocument
  readonly #confirmation: Confirmation
  readonly #side: Side
  readonly #dialect: AnyDialect | undefined
  readonly #normalised = new WeakMap<object, JsonSchema>()

  constructor(side: Side, ids: Ids, names: SchemaNames | undefined, dialect: AnyDialect | undefined) {
    this.#side = side
    // The schemas of a `System` are 2020-12 by now, whatever their `$schema` still says.
    this.#dialect = dialect ?? (names === undefined ? undefined : '2020-12')
    const normal = names && mapped(names, (schema) => normalise(schema, dialect ?? '2020-12'))
    this.#document = new SchemaDocument(side, ids, normal)
    this.#confirmation = new Confirmation(normal)
  }

  enter(schema: JsonSchema): SchemaNode {
    if (!isSchema(schema)) {
      const given = Array.isArray(schema) ? 'an array' : schema === null ? 'null' : typeof schema
      throw new TypeError(`accepts: the ${this.#side} is ${given}; a schema is an object or a boolean`)
    }
    if (typeof schema === 'boolean') return this.#document.enter(schema)
    let normal = this.#normalised.get(schema)
    if (normal === undefined) {
      normal = normalise(schema, this.#dialect ?? statedDialect(schema))
      this.#normalised.set(schema, normal)
    }
    return this.#document.enter(normal)
  }

  judges({ schema }: SchemaNode, value: unknown): boolean | undefined {
    return this.#confirmation.validates(schema, value)
  }
}

function mapped(names: SchemaNames, change: (schema: JsonSchema) => JsonSchema): SchemaNames {
  return Object.fromEntries(Object.entries(names).map(([name, { schema }]) => [name, { schema: change(schema) }]))
}

/** Where it could not be told which parts differ: the first that the witness fails. */
function whole(reader: SchemaNode, writer: SchemaNode, verdict: Exclude<Verdict, { kind: 'none' }>): LocalDifference {
  const failing = verdict.kind === 'found' ? reader.parts.find((part) => !partHolds(part, verdict.value)) : undefined
  const part = failing ?? reader.parts[0]
  if (part === undefined) throw new Error('a schema without parts rejects nothing')
  const places = { reader: readerPlace(part), writer: writerPlace(part, [yes(writer)], writer.pointer) }
  return { path: [], keyword: part.keyword, ...places, verdict }
}

function difference(
  { path, keyword, reader, writer, verdict }: LocalDifference,
  confirms: (value: unknown) => boolean,
): Difference {
  const place = { path: path.reduce<string>(pointerTo, ''), keyword, reader, writer }
  if (verdict.kind === 'unknown') return { answer: 'unknown', ...place, reason: verdict.reason }
  if (confirms(verdict.value)) return { answer: 'no', ...place, witness: verdict.value }
  return { answer: 'unknown', ...place, reason: 'a witness was found, but ajv does not confirm it' }
}
