import { checkLayer } from '../guarantees/resolve.ts'
import type { Findings } from '../findings/findings.ts'
import { didYouMean } from '../findings/nearest.ts'
import type { SourceLocation } from '../model/location.ts'
import { checkShape } from '../shape/check-shape.ts'
import type { Shape } from '../shape/shape.ts'
import { entriesOf, field } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import type { Sources } from '../source/sources.ts'

/** `operationId` → the keys a document of that service could have had itself. */
export const sidecarShape: Shape = {
  title: 'a guarantees file',
  description: 'Guarantees beside a document that is generated, bought or older: operationId → its keys.',
  type: 'object',
  additionalProperties: {
    type: 'object',
    additionalProperties: false,
    properties: { 'x-guarantees': {}, 'x-integration': {}, 'x-probe': {} },
  },
}

export type SidecarKey = 'x-guarantees' | 'x-integration' | 'x-probe'

/** The `*.guarantees.yaml` files of one service. They are merged after the documents' own keys, in the order given. */
export class Sidecars {
  readonly #entries: { readonly operation: string; readonly keyAt: SourceLocation; readonly node: Node }[] = []
  readonly #used = new Set<string>()
  readonly #files: string[] = []
  readonly #findings: Findings

  constructor(findings: Findings) {
    this.#findings = findings
  }

  read(file: string, sources: Sources, asked: SourceLocation): void {
    if (this.#files.includes(file)) return
    const root = sources.open(file, asked)
    if (root === undefined) return
    this.#files.push(file)
    checkShape(root, sidecarShape, 'a guarantees file', { definitions: {}, findings: this.#findings })
    for (const [operation, { keyAt, value }] of entriesOf(root)) {
      this.#entries.push({ operation, keyAt, node: value })
      const layer = field(value, 'x-guarantees')
      if (layer !== undefined) checkLayer(layer, this.#findings)
    }
  }

  get files(): readonly string[] {
    return this.#files
  }

  layers(operation: string, key: SidecarKey): readonly Node[] {
    this.#used.add(operation)
    return this.#entries
      .filter((entry) => entry.operation === operation)
      .map(({ node }) => field(node, key))
      .filter((node) => node !== undefined)
  }

  /** To be called when all documents of the service have been read. */
  reportUnknown(operations: readonly string[]): void {
    for (const { operation, keyAt } of this.#entries) {
      if (this.#used.has(operation)) continue
      const message = `no document of this service has an operation \`${operation}\``
      const hint = didYouMean(operation, operations, 'use the operationId of the document')
      this.#findings.error(keyAt, 'unknown-operation', message, hint)
    }
  }
}

/** The sidecar that belongs to a document by its name: `orders.openapi.yaml` → `orders.openapi.guarantees.yaml`. */
export function sidecarBeside(document: string, sources: Sources): string | undefined {
  const stem = document.replace(/\.(ya?ml|json)$/i, '')
  const names = [stem, stem.replace(/\.(openapi|asyncapi)$/i, '')]
  return [...new Set(names)].map((name) => `${name}.guarantees.yaml`).find((file) => sources.has(file))
}
