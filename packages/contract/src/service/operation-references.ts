import { field, listAt, text, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import { mergeAll } from '../source/merge.ts'
import type { PendingReference, Reading } from './reading.ts'

/** Collects what the keys of an operation name elsewhere. */
export function readReferences(
  guarantees: Node | undefined,
  integrationLayers: readonly Node[],
  probeLayers: readonly Node[],
  own: { readonly callbacks: readonly string[] },
  reading: Reading,
): void {
  const need = (member: string, node: Node | undefined, kind: PendingReference['kind']): void => {
    const ref = text(node)
    if (node === undefined || ref === undefined) return
    reading.references.push({ service: reading.service, member, ref, at: node.at, kind })
  }
  const completion = field(guarantees, 'completion')
  const by = textAt(completion, 'by')
  const ref = field(completion, 'ref')
  const isCallback = by === 'callback' && own.callbacks.includes(text(ref) ?? '')
  if (!isCallback) need('completion.ref', ref, by === 'event' ? 'message' : by === 'status' ? 'operation' : 'any')
  if (by === 'event') {
    for (const outcome of ['success', 'failure']) {
      for (const item of [field(completion, outcome), ...listAt(completion, outcome)]) {
        need(`completion.${outcome}`, item, 'message')
      }
    }
  }
  const push = field(guarantees, 'push')
  const pushBy = textAt(push, 'by')
  if (pushBy !== 'cdc') need('push.ref', field(push, 'ref'), pushBy === 'event' ? 'message' : 'any')
  const integration = mergeAll(integrationLayers)
  need('compensates', field(integration, 'compensates'), 'any')
  need('process', field(integration, 'process'), 'workflow')
  need('transform.from', field(field(integration, 'transform'), 'from'), 'message')
  const probe = mergeAll(probeLayers)
  need('x-probe.read.operation', field(field(probe, 'read'), 'operation'), 'operation')
  need('x-probe.order.operation', field(field(probe, 'order'), 'operation'), 'operation')
  need('x-probe.follows', field(probe, 'follows'), 'any')
  need('x-probe.emits.channel', field(field(probe, 'emits'), 'channel'), 'channel')
}
