import type { Findings } from '../findings/findings.ts'
import type { IntegrationStyle, IntegrationTerms, Probe } from '../model/integration.ts'
import { optional } from '../model/optional.ts'
import { checkShape } from '../shape/check-shape.ts'
import { mergeAll } from '../source/merge.ts'
import { field, mapAt, numberAt, plain, textAt } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import { xIntegration } from '../vocabulary/x-integration.ts'
import { xProbe } from '../vocabulary/x-probe.ts'
import { parseDuration } from './duration.ts'

/** `x-integration`: the document's, the operation's merged over it, the sidecar's over that. */
export function readIntegration(
  layers: readonly Node[],
  defaultStyle: IntegrationStyle | undefined,
  findings: Findings,
): IntegrationTerms | undefined {
  const merged = mergeAll(layers)
  if (merged === undefined) return undefined
  checkShape(merged, xIntegration, 'x-integration', { definitions: {}, findings })
  reasonIsGiven(merged, defaultStyle, findings)
  const notice = parseDuration(textAt(merged, 'notice') ?? '')
  const transform = mapAt(merged, 'transform')
  const mapping = textAt(transform, 'with')
  const from = textAt(transform, 'from')
  return {
    ...optional('owner', textAt(merged, 'owner')),
    ...optional('style', textAt(merged, 'style') as IntegrationStyle | undefined),
    ...optional('reason', textAt(merged, 'reason')),
    ...optional('until', textAt(merged, 'until')),
    ...optional('process', textAt(merged, 'process')),
    ...optional('compensates', textAt(merged, 'compensates')),
    ...optional('compatibility', textAt(merged, 'compatibility') as 'full' | undefined),
    ...optional('noticeMs', notice),
    ...(mapping === undefined ? {} : { transform: { ...optional('from', from), with: mapping } }),
    location: merged.at,
  }
}

/** A style that is not the system's default is a deviation, and a deviation has a reason. */
export function reasonIsGiven(terms: Node, defaultStyle: IntegrationStyle | undefined, findings: Findings): void {
  const style = field(terms, 'style')
  const written = textAt(terms, 'style')
  if (style === undefined || defaultStyle === undefined || written === defaultStyle) return
  if ((textAt(terms, 'reason') ?? '') !== '') return
  const message = `\`style: ${written}\` deviates from the system's default (${defaultStyle}) and has no \`reason\``
  findings.error(style.at, 'deviation-has-reason', message, 'add `reason: why this integration is different`')
}

export function readProbe(layers: readonly Node[], findings: Findings): Probe | undefined {
  const merged = mergeAll(layers)
  if (merged === undefined) return undefined
  checkShape(merged, xProbe, 'x-probe', { definitions: {}, findings })
  const read = mapAt(merged, 'read')
  const operation = textAt(read, 'operation')
  const parameters = mapAt(read, 'parameters')
  const order = mapAt(merged, 'order')
  const [ordered, list] = [textAt(order, 'operation'), textAt(order, 'list')]
  const orderParameters = mapAt(order, 'parameters')
  const emits = mapAt(merged, 'emits')
  const channel = textAt(emits, 'channel')
  const anything = (node: Node | undefined, key: string): Record<string, unknown> => {
    const found = field(node, key)
    return found === undefined ? {} : { [key]: plain(found) }
  }
  return {
    ...optional('marker', textAt(merged, 'marker')),
    ...(operation === undefined
      ? {}
      : {
          read: { operation, ...optional('parameters', parameters && (plain(parameters) as Record<string, unknown>)) },
        }),
    ...optional('count', textAt(merged, 'count')),
    ...optional('settlesMs', parseDuration(textAt(merged, 'settles') ?? '')),
    ...(channel === undefined
      ? {}
      : {
          emits: {
            channel,
            ...optional('message', textAt(emits, 'message')),
            ...anything(emits, 'where'),
            ...optional('times', numberAt(emits, 'times')),
          },
        }),
    ...(ordered === undefined || list === undefined
      ? {}
      : {
          order: {
            operation: ordered,
            list,
            ...optional('parameters', orderParameters && (plain(orderParameters) as Record<string, unknown>)),
          },
        }),
    ...optional('follows', textAt(merged, 'follows')),
    ...anything(merged, 'example'),
    ...anything(merged, 'failure'),
    ...anything(merged, 'outcomes'),
    ...anything(merged, 'poison'),
    ...anything(merged, 'cleanup'),
    location: merged.at,
  }
}
