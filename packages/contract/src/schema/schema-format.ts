import { dirname, resolve } from 'node:path'
import { optional } from '../model/optional.ts'
import type { UnreadSchema } from '../model/schema.ts'
import { field, plain, text } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import type { Sources } from '../source/sources.ts'
import type { Dialect } from './dialect.ts'

/** How a schema in one of AsyncAPI's schema formats is read; undefined where its language is not JSON Schema's. */
export function dialectOfFormat(format: string): Dialect | undefined {
  if (/^application\/(vnd\.aai\.asyncapi|schema)\b/i.test(format)) return 'draft-07'
  if (/^application\/vnd\.oai\.openapi\b/i.test(format)) {
    return /version=3\.0/.test(format) ? 'openapi-3.0' : '2020-12'
  }
  return undefined
}

/** What a multi-format schema holds, where its language is not read. References lead to it, and may lead out of it. */
export function unreadSchema(node: Node, sources: Sources): UnreadSchema | undefined {
  const written = text(field(followed(node, sources), 'schemaFormat'))
  if (written === undefined || dialectOfFormat(written) !== undefined) return undefined
  const schema = field(followed(node, sources), 'schema')
  const content = schema === undefined ? undefined : plain(held(schema, sources))
  return { format: written, ...optional('content', parsed(content)) }
}

/**
 * What the schema refers to is its own language's business: a Protobuf file is no document of ours, and nothing is ever
 * fetched. What is here, and written as we can read it, shows whether it changed.
 */
function held(schema: Node, sources: Sources): Node {
  const written = text(field(schema, '$ref')) ?? ''
  const [file = ''] = written.split('#')
  if (/^[a-z][a-z0-9+.-]*:/i.test(file) || file.startsWith('//')) return schema
  if (file === '') return written === '' ? schema : followed(schema, sources)
  const here = /\.(avsc|json|ya?ml)$/i.test(file) && sources.has(resolve(dirname(schema.at.file), file))
  return here ? followed(schema, sources) : schema
}

function followed(node: Node, sources: Sources): Node {
  let current = node
  for (let hops = 0; hops < 20; hops++) {
    const reference = field(current, '$ref')
    const written = text(reference)
    const target = reference && written !== undefined ? sources.resolve(written, reference.at) : undefined
    if (target === undefined) return current
    current = target
  }
  return current
}

/** Avro is JSON, also where it stands as a text. */
function parsed(content: unknown): unknown {
  if (typeof content !== 'string') return content
  try {
    return JSON.parse(content)
  } catch {
    return content
  }
}
