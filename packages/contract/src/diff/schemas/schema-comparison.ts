import { createAccepts } from '../../accepts/accepts.ts'
import type { Difference } from '../../accepts/types.ts'
import type { SourceLocation } from '../../model/location.ts'
import type { JsonSchema, NamedSchema, Schema } from '../../model/schema.ts'
import { pointerSteps } from '../../source/pointer.ts'
import type { Change, Changes, Subject } from '../changes.ts'
import type { Comparison } from '../comparison.ts'
import { reporter } from '../comparison.ts'
import type { Side } from '../load-side.ts'
import type { Consumer, Direction } from '../model.ts'
import { describeDifference } from './describe-difference.ts'
import { schemaRules } from './schema-rules.ts'
import { Unchanged } from './unchanged.ts'

type Named = Readonly<Record<string, NamedSchema>>

/** Where a schema is used. */
export interface SchemaUse {
  readonly direction: Direction
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
  readonly #newAcceptsOld: ReturnType<typeof createAccepts>
  readonly #oldAcceptsNew: ReturnType<typeof createAccepts>
  compared = 0

  constructor(
    { base, revision, policy, changes }: Comparison,
    named: { readonly base: Named; readonly revision: Named },
  ) {
    this.#base = base
    this.#revision = revision
    this.#changes = changes
    this.#named = named
    this.#unchanged = new Unchanged(named.base, named.revision)
    this.#newAcceptsOld = createAccepts({ policy, readerSchemas: named.revision, writerSchemas: named.base })
    this.#oldAcceptsNew = createAccepts({ policy, readerSchemas: named.base, writerSchemas: named.revision })
  }

  unchanged(before: Schema, after: Schema): boolean {
    return this.#unchanged.same(before.schema, after.schema)
  }

  /** Reports what the change of a schema means where it is used. An absent schema is any value. */
  compare(before: Schema | undefined, after: Schema | undefined, use: SchemaUse): void {
    const old = before?.schema ?? anything
    const now = after?.schema ?? anything
    this.compared++
    if (this.#unchanged.same(old, now)) return
    const received = use.direction === 'received'
    const forward = received ? this.#newAcceptsOld(now, old) : this.#oldAcceptsNew(old, now)
    const report = reporter(schemaRules, this.#changes, use.subject)
    const where = { before, after, use }
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
        report(received ? 'received-schema-narrowed' : 'sent-schema-widened', { ...change, ...more, witness })
      }
    }
    if (forward.answer !== 'yes') return
    // Nobody is broken: is it the same, or does it offer more?
    const back = received ? this.#oldAcceptsNew(old, now) : this.#newAcceptsOld(now, old)
    for (const difference of back.differences) {
      if (difference.answer === 'unknown') continue
      const change = this.#change(difference, received ? 'sent' : 'received', where)
      report(received ? 'received-schema-widened' : 'sent-schema-narrowed', { ...change, direction: use.direction })
    }
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
      place: described.path === '' ? use.place : `${use.place} ${described.path}`,
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

const nowhere: SourceLocation = { file: '', line: 1, column: 1, pointer: '' }
