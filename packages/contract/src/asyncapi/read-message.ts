import { parseExpression } from '../guarantees/expression.ts'
import type { Expression } from '../model/expression.ts'
import type { SourceLocation } from '../model/location.ts'
import type { Message } from '../model/message.ts'
import { optional } from '../model/optional.ts'
import { follow } from '../service/reading.ts'
import type { Reading } from '../service/reading.ts'
import { readSunset } from '../service/sunset.ts'
import { readBindings } from './channels.ts'
import { readSchema } from './read-schema.ts'
import { field, flagAt, listAt, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import { mergeAll } from '../source/merge.ts'

/** A message with its traits applied. */
export function readMessage(
  key: string,
  keyAt: SourceLocation,
  written: Node,
  document: { readonly contentType: string; readonly hasReply: boolean },
  reading: Reading,
): Message | undefined {
  const own = follow(written, reading)
  if (own?.kind !== 'map') return undefined
  const node = mergeAll([...traitsOf(own, reading), own]) ?? own
  const payload = field(node, 'payload')
  const headers = field(node, 'headers')
  return {
    message: key,
    type: textAt(node, 'name') ?? key,
    intent: (textAt(node, 'x-intent') as Message['intent'] | undefined) ?? (document.hasReply ? 'command' : 'event'),
    ...optional('title', textAt(node, 'title')),
    ...optional('summary', textAt(node, 'summary')),
    ...optional('description', textAt(node, 'description')),
    contentType: textAt(node, 'contentType') ?? document.contentType,
    payload: payload === undefined ? { schema: true, location: own.at } : readSchema(payload, reading),
    ...optional('headers', headers && readSchema(headers, reading)),
    ...optional('correlation', readCorrelation(field(node, 'correlationId'), reading)),
    ...optional('bindings', readBindings(node, reading)),
    deprecated: flagAt(node, 'deprecated') ?? false,
    ...optional('sunset', readSunset(node, reading.findings)),
    location: keyAt,
  }
}

/** Traits in order: a later one wins over an earlier one, and the object itself over all. */
export function traitsOf(node: Node, reading: Reading): readonly Node[] {
  return listAt(node, 'traits')
    .map((trait) => follow(trait, reading))
    .filter((trait) => trait !== undefined)
}

function readCorrelation(written: Node | undefined, reading: Reading): Expression | undefined {
  const location = field(follow(written, reading), 'location')
  if (location?.kind !== 'scalar' || typeof location.value !== 'string') return undefined
  const expression = parseExpression(location.value)
  if (expression?.source === 'message.header' || expression?.source === 'message.payload') return expression
  const message = `\`location: ${location.value}\` is not a place in a message`
  const hint = 'write `$message.header#/correlationId` or `$message.payload#/…`'
  reading.findings.error(location.at, 'wrong-expression', message, hint)
  return undefined
}
