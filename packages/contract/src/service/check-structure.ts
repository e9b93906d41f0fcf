import { checkArazzo } from '../arazzo/check-arazzo.ts'
import { fromAsyncapi2 } from '../asyncapi/from-asyncapi-2.ts'
import { checkAsyncapi } from '../asyncapi/read-asyncapi.ts'
import { fromSwagger } from '../openapi/from-swagger.ts'
import { checkOpenapi } from '../openapi/read-openapi.ts'
import type { Node } from '../source/node.ts'
import { checkOfficial } from '../structure/check-official.ts'
import { checkReferences } from '../structure/check-references.ts'
import type { DocumentKind } from './document-kind.ts'
import type { Reading } from './reading.ts'

/**
 * Checks a document against its specification, and gives it as the version that is read: OpenAPI 3.x, AsyncAPI 3.x.
 * Our own structure speaks first, as its messages help most; where it has nothing to say the official schema decides.
 * Undefined where nothing is read from the document: it is a workflow's, or it is too broken to be turned into another
 * version.
 */
export function checkStructure(root: Node, kind: DocumentKind, file: string, reading: Reading): Node | undefined {
  const { findings, sources } = reading
  const before = findings.errorsIn(file)
  const isBroken = (): boolean => findings.errorsIn(file) > before
  if (kind.key === 'arazzo') {
    checkArazzo(root, kind.version, reading)
    return undefined
  }
  if (kind.key === 'openapi') checkOpenapi(root, kind.version, reading)
  else if (kind.version >= 3) checkAsyncapi(root, kind.version, reading)
  // Of what is turned into another version we have no structure of our own.
  if (!isBroken() && (reading.official || kind.version < 3)) checkOfficial(root, kind.key, kind.specification, findings)
  if (kind.version >= 3) return root
  checkReferences(root, sources)
  if (isBroken() || root.kind !== 'map') return undefined
  const converted = kind.key === 'swagger' ? fromSwagger(root, reading) : fromAsyncapi2(root, reading)
  sources.replace(file, converted)
  return converted
}
