import { createAccepts } from '../../accepts/accepts.ts'
import type { AcceptsResult, Difference } from '../../accepts/types.ts'
import type { SourceLocation } from '../../model/location.ts'
import type { JsonSchema, NamedSchema, Schema } from '../../model/schema.ts'
import { pointerSteps } from '../../source/pointer.ts'
import type { Change, Changes, Subject } from '../changes.ts'
import type { Comparison } from '../comparison.ts'
import { reporter } from '../comparison.ts'
import type { Side } from '../load-side.ts'
import type { Consumer, Direction } from '../model.ts'
import { defaultChanges } from './defaults.ts'
import { describeDifference } from './describe-difference.ts'
import type { Exchange } from '../../schema/exchange.ts'
import { ExchangeSchemas } from './exchange.ts'
import { onlyStatesWidth } from './integer-width.ts'
import { memberChanges } from './members.ts'
import { readAsText } from './read-as-text.ts'
import { schemaRules } from './schema-rules.ts'
import { Unchanged } from './unchanged.ts'
import { compareUnread, sameUnread } from './unread-schemas.ts'

type Named = Readonly<Record<string, NamedSchema>>

/** Where a schema is used. */
export interface SchemaUse {
  readonly direction: Direction
  /** which half of an HTTP exchange it is; absent: a message, where `readOnly` says nothing */
  readonly exchange?: Exchange
  /** it is written as text, as parameters and headers are: what a number is on the wire, a text is too */
  readonly text?: boolean
  /** `request body` */
  readonly place: string
  readonly subject: Subject
  /** what is pointed at where one side has no schema at all */
  readonly at?: SourceLocation
  readonly base?: SourceLocation
  /** who relies on it: told by the new schema, where each consumer's own is known */
  readonly consumers?: (difference: Difference) => readonly Consumer[]
}

const anything: JsonSchema = true

/** The schemas of one service, before and after. What is learnt of one pair is remembered for the next. */
export class SchemaComparison {
  readonly #base: Side
  readonly #revision: Side
  readonly #changes: Changes
  readonly #named: { readonly base: Named; readonly revision: Named }
  readonly #unchanged: Unchanged
  readonly #policy: Comparison['policy']
  readonly #relations = new Map<string, (reader: JsonSchema, writer: JsonSchema) => AcceptsResult>()
  compared = 0
  /** those of them that are not written as they were, whatever that means to anybody */
  changed = 0

  constructor(
    { base, revision, policy, changes }: Comparison,
    named: { readonly base: Named; readonly revision: Named },
  ) {
    this.#base = base
    this.#revision = revision
    this.#changes = changes
    this.#named = named
    this.#unchanged = new Unchanged(named.base, named.revision)
    this.#policy = policy
  }

  unchanged(before: Schema, after: Schema): boolean {
    return sameUnread(before, after) && this.#unchanged.same(before.schema, after.schema)
  }

  /** Reports what the change of a schema means where it is used. An absent schema is any value. */
  compare(before: Schema | undefined, after: Schema | undefined, use: SchemaUse): void {
    const old = before?.schema ?? anything
    const now = after?.schema ?? anything
    if (before?.unread !== undefined || after?.unread !== undefined) {
      compareUnread(before, after, use, reporter(schemaRules, this.#changes, use.subject))
      return
    }
    if (before !== undefined || after !== undefined) this.compared++
    if (this.#unchanged.same(old, now)) return
    this.changed++
    const received = use.direction === 'received'
    const forward = received ? this.#accepts('revision', now, old, use) : this.#accepts('base', old, now, use)
    const report = reporter(schemaRules, this.#changes, use.subject)
    const where = { before, after, use }
    // An answer says what it has; nobody fills in the rest.
    if (before !== undefined && after !== undefined && use.exchange !== 'response')
      this.#compareDefaults(before, after, use)
    const [writer, side] = received ? [old, 'base' as const] : [now, 'revision' as const]
    const maySend = (instance: unknown): boolean =>
      this.#relation(side, use.exchange)(writer, { const: instance }).answer === 'yes'
    for (const difference of forward.differences) {
      const change = this.#change(difference, use.direction, where)
      const consumers = use.consumers?.(difference)
      const more = consumers === undefined ? {} : { consumers }
      if (difference.answer === 'unknown') {
        const question = received ? 'what was sent is still accepted' : 'what is sent still fits'
        const message = `${change.message}; whether ${question} is not known: ${difference.reason}`
        report('schema-not-decided', { ...change, ...more, message })
      } else {
        const witness = JSON.stringify(difference.witness)
        const id = received ? 'received-schema-narrowed' : 'sent-schema-widened'
        report(onlyStatesWidth(difference, maySend) ? 'integer-width-stated' : id, { ...change, ...more, witness })
      }
    }
    if (forward.answer !== 'yes') return
    // Nobody is broken: is it the same, or does it offer more?
    const back = received ? this.#accepts('base', old, now, use) : this.#accepts('revision', now, old, use)
    if (before !== undefined && after !== undefined && back.differences.length === 0)
      this.#compareMembers(before, after, use)
    for (const difference of back.differences) {
      if (difference.answer === 'unknown') continue
      const change = this.#change(difference, received ? 'sent' : 'received', where)
      report(received ? 'received-schema-widened' : 'sent-schema-narrowed', { ...change, direction: use.direction })
    }
  }

  #compareDefaults(before: Schema, after: Schema, use: SchemaUse): void {
    const report = reporter(schemaRules, this.#changes, use.subject)
    const said = (value: unknown): string => (value === undefined ? 'not set' : `\`${JSON.stringify(value)}\``)
    for (const { path, steps, before: old, after: now } of defaultChanges(before.schema, after.schema, this.#named)) {
      const where = path === '' ? '' : `\`${path}\`: `
      report('default-changed', {
        at: this.#revision.locate(after.location, steps),
        base: this.#base.locate(before.location, steps),
        place: placeIn(use, path),
        message: `${use.place}: ${where}the default is ${said(now)} now, and was ${said(old)}`,
        direction: use.direction,
        keyword: 'default',
        before: old,
        after: now,
        ...(old === undefined ? { level: 'info' } : {}),
      })
    }
  }

  #compareMembers(before: Schema, after: Schema, use: SchemaUse): void {
    const report = reporter(schemaRules, this.#changes, use.subject)
    for (const { path, steps, added, removed } of memberChanges(before.schema, after.schema, this.#named)) {
      const place = placeIn(use, path)
      const where = { place, direction: use.direction, keyword: 'properties' }
      // The first that came or went stands on one side only; the other has the object that holds the rest.
      const old = (names: readonly string[]) => this.#base.locate(before.location, [...steps, ...names])
      const now = (names: readonly string[]) => this.#revision.locate(after.location, [...steps, ...names])
      const [come, gone] = [added[0], removed[0]]
      if (come !== undefined) {
        const message = `${place}: ${listed(added)} ${added.length === 1 ? 'is' : 'are'} new`
        report('property-added', { ...where, at: now(['properties', come]), base: old([]), message })
      }
      if (gone !== undefined) {
        const message = `${place}: ${listed(removed)} ${removed.length === 1 ? 'is' : 'are'} no longer declared`
        report('property-removed', { ...where, at: now([]), base: old(['properties', gone]), message })
      }
    }
  }

  #accepts(side: 'base' | 'revision', reader: JsonSchema, writer: JsonSchema, use: SchemaUse): AcceptsResult {
    const { base, revision } = this.#named
    const [readers, writers] = side === 'base' ? [base, revision] : [revision, base]
    const read = use.text === true ? readAsText(reader, writer, readers, writers) : reader
    return this.#relation(side, use.exchange)(read, writer)
  }

  /** Whether one side, as the reader, accepts what the other writes. */
  #relation(reader: 'base' | 'revision', exchange: Exchange | undefined) {
    const key = `${reader} ${exchange ?? ''}`
    const known = this.#relations.get(key)
    if (known !== undefined) return known
    const policy = this.#policy
    const [readerSchemas, writerSchemas] =
      reader === 'base' ? [this.#named.base, this.#named.revision] : [this.#named.revision, this.#named.base]
    const made = (() => {
      if (exchange === undefined) return createAccepts({ policy, readerSchemas, writerSchemas })
      const [reads, writes] = [
        new ExchangeSchemas(exchange, true, readerSchemas),
        new ExchangeSchemas(exchange, false, writerSchemas),
      ]
      const accepts = createAccepts({ policy, readerSchemas: reads.named, writerSchemas: writes.named })
      return (one: JsonSchema, other: JsonSchema) => accepts(reads.of(one), writes.of(other))
    })()
    this.#relations.set(key, made)
    return made
  }

  /** `direction` says which side is the reader, which is not the way the data goes when looking for what is offered. */
  #change(
    difference: Difference,
    direction: Direction,
    { before, after, use }: { before: Schema | undefined; after: Schema | undefined; use: SchemaUse },
  ): Change {
    const described = describeDifference(difference, direction)
    const [old, now] =
      direction === 'received' ? [difference.writer, difference.reader] : [difference.reader, difference.writer]
    const at = this.#locate(this.#revision, this.#named.revision, now.pointer, after) ?? use.at
    const base = this.#locate(this.#base, this.#named.base, old.pointer, before) ?? use.base
    return {
      at: at ?? base ?? nowhere,
      base,
      place: placeIn(use, described.path),
      message: `${use.place}: ${described.text}`,
      direction: use.direction,
      keyword: difference.keyword,
      ...(described.before === undefined ? {} : { before: described.before }),
      ...(described.after === undefined ? {} : { after: described.after }),
    }
  }

  #locate(side: Side, named: Named, pointer: string, schema: Schema | undefined): SourceLocation | undefined {
    const steps = pointerSteps(pointer) ?? []
    const [first, name = ''] = steps
    const target = first === '$defs' ? named[name] : undefined
    if (target !== undefined) return side.locate(target.location, steps.slice(2))
    return schema === undefined ? undefined : side.locate(schema.location, steps)
  }
}

function placeIn({ place }: SchemaUse, path: string): string {
  return path === '' ? place : `${place} ${path}`
}

/** At most five by name. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `\`${name}\``)
  const more = names.length - shown.length
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ')
}

const nowhere: SourceLocation = { file: '', line: 1, column: 1, pointer: '' }
