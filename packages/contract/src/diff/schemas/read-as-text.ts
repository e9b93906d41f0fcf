/**
 * Parameters and headers are text on the wire (OpenAPI, "Style Values"; RFC 9110, 5.5). `?q=0` is what an integer was
 * written as, and any text at all is what a plain `type: string` reads.
 */
import type { JsonSchema, NamedSchema } from '../../model/schema.ts'

type Named = Readonly<Record<string, NamedSchema>>
type Fields = Readonly<Record<string, unknown>>

const SCALARS = new Set(['string', 'integer', 'number', 'boolean'])

/** What says nothing of which texts there are. */
const ANNOTATIONS = new Set([
  '$comment',
  'default',
  'deprecated',
  'description',
  'example',
  'examples',
  'readOnly',
  'title',
  'type',
  'writeOnly',
])

/**
 * The reader, which also takes the scalars of the writer where it takes any text; items of lists likewise. What limits
 * its texts (`pattern`, `enum`, a length) is left to be compared as it is: then it is not known which numbers fit.
 */
export function readAsText(reader: JsonSchema, writer: JsonSchema, readers: Named, writers: Named): JsonSchema {
  const [reads, writes] = [resolved(reader, readers), resolved(writer, writers)]
  if (reads === undefined || writes === undefined) return reader
  const [taken, written] = [typesOf(reads), typesOf(writes)]
  if (taken.includes('array') && written.includes('array') && isSchema(reads['items']) && isSchema(writes['items'])) {
    const items = readAsText(reads['items'], writes['items'], readers, writers)
    return items === reads['items'] ? reader : { ...reads, items }
  }
  if (
    !taken.includes('string') ||
    !Object.keys(reads).every((key) => ANNOTATIONS.has(key) || limitsNothing(key, reads))
  )
    return reader
  const more = written.filter((type) => SCALARS.has(type) && !taken.includes(type))
  return more.length === 0 ? reader : { ...reads, type: [...taken, ...more] }
}

/** An empty text is no number, so that a length of 1 rules out none. */
function limitsNothing(key: string, schema: Fields): boolean {
  return key.startsWith('x-') || (key === 'minLength' && Number(schema[key]) <= 1)
}

function typesOf({ type }: Fields): readonly string[] {
  return [type].flat().filter((one) => typeof one === 'string')
}

function resolved(schema: JsonSchema, named: Named): Fields | undefined {
  let current: JsonSchema | undefined = schema
  for (let hops = 0; hops < 20 && typeof current === 'object'; hops++) {
    const reference: unknown = current['$ref']
    if (typeof reference !== 'string') return current
    const name = /^#\/\$defs\/([^/]+)$/.exec(reference)?.[1]
    current = name === undefined ? undefined : named[name.replaceAll('~1', '/').replaceAll('~0', '~')]?.schema
  }
  return undefined
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'boolean' || (typeof value === 'object' && value !== null && !Array.isArray(value))
}
