import type { Findings } from '../findings/findings.ts'
import { didYouMean } from '../findings/nearest.ts'
import type { SourceLocation } from '../model/location.ts'
import type { ContractDocument } from '../model/system.ts'
import { field } from '../source/node.ts'
import type { Node } from '../source/node.ts'

export interface DocumentKind {
  readonly kind: ContractDocument['kind']
  /** the member that says the version */
  readonly key: 'swagger' | 'openapi' | 'asyncapi' | 'arazzo'
  /** as written: `3.1.0` */
  readonly specification: string
  /** `3.1` */
  readonly version: number
}

const known = {
  openapi: ['3.0', '3.1', '3.2'],
  swagger: ['2.0'],
  asyncapi: ['2.0', '2.1', '2.2', '2.3', '2.4', '2.5', '2.6', '3.0', '3.1'],
  arazzo: ['1.0', '1.1'],
} as const

const keys = Object.keys(known) as (keyof typeof known)[]

/** What a document is, by its first member; undefined where it is nothing that is read, which is reported. */
export function kindOf(root: Node, file: string, asked: SourceLocation, findings: Findings): DocumentKind | undefined {
  for (const key of keys) {
    const found = field(root, key)
    if (found?.kind !== 'scalar') continue
    const specification = found.source
    const minor = /^(\d+\.\d+)(\.\d+)?(-[\w.]+)?$/.exec(specification)?.[1]
    if (minor !== undefined && (known[key] as readonly string[]).includes(minor)) {
      return { kind: key === 'swagger' ? 'openapi' : key, key, specification, version: Number(minor) }
    }
    const message = `\`${key}: ${specification}\` is not a version we read`
    const versions = known[key].map((one) => (key === 'swagger' ? one : `${one}.x`)).join(', ')
    findings.error(found.at, 'unsupported-version', message, `convert it to one of ${versions}`)
    return undefined
  }
  const members = root.kind === 'map' ? [...root.entries.keys()] : []
  const meant = members.map((key) => didYouMean(key, keys, '')).find((hint) => hint !== '')
  const hint = meant ?? 'begin it with `openapi: 3.1.0` or `asyncapi: 3.0.0`'
  const at = root.at.file === file ? root.at : asked
  findings.error(at, 'unknown-document', 'this is neither an OpenAPI nor an AsyncAPI nor an Arazzo document', hint)
  return undefined
}
