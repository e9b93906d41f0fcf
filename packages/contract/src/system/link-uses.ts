import { reasonIsGiven } from '../guarantees/integration.ts'
import type { Findings } from '../findings/findings.ts'
import { didYouMean, listed } from '../findings/nearest.ts'
import type { IntegrationStyle } from '../model/integration.ts'
import type { Setting, Use } from '../model/system.ts'
import { optional } from '../model/optional.ts'
import type { ServiceContent } from '../service/read-service.ts'
import { entriesAt, field, text, textAt } from '../source/node.ts'
import type { Entry, Node } from '../source/node.ts'

interface Providers {
  readonly services: ReadonlyMap<string, ServiceContent>
  readonly urls: ReadonlyMap<string, Setting>
  readonly defaultStyle: IntegrationStyle | undefined
}

/** Resolves `uses` of a service to the operations of their providers. */
export function linkUses(consumer: string, node: Node, providers: Providers, findings: Findings): readonly Use[] {
  return entriesAt(node, 'uses').flatMap(([ref, entry]) => {
    const use = linkUse(consumer, ref, entry, providers, findings)
    return use === undefined ? [] : [use]
  })
}

function linkUse(
  consumer: string,
  ref: string,
  { keyAt, value }: Entry,
  { services, urls, defaultStyle }: Providers,
  findings: Findings,
): Use | undefined {
  const dot = ref.indexOf('.')
  const service = ref.slice(0, Math.max(dot, 0))
  const name = ref.slice(dot + 1)
  if (dot < 1) {
    const owner = [...services.values()].find((one) => one.operations.has(ref))
    const hint = owner === undefined ? 'write `<service>.<operation>`' : `did you mean \`${owner.name}.${ref}\`?`
    findings.error(keyAt, 'wrong-reference', `\`${ref}\` does not say whose operation it is`, hint)
    return undefined
  }
  const provider = services.get(service)
  if (provider === undefined) {
    const others = [...services.keys()].filter((one) => one !== consumer)
    const hint = didYouMean(service, others, 'add its spandrel.yaml to `include`')
    findings.error(keyAt, 'unknown-service', `\`${ref}\`: there is no service \`${service}\``, hint)
    return undefined
  }
  const operation = provider.operations.get(name)
  if (operation === undefined) {
    if (provider.names.incomplete) return undefined
    if (provider.names.has(name)) {
      const hint = 'remove it; a message is received by an AsyncAPI operation with `action: receive`'
      findings.error(keyAt, 'not-an-http-operation', `\`${ref}\` is no HTTP operation, so it cannot be called`, hint)
      return undefined
    }
    const names = [...provider.operations.keys()]
    const found = didYouMean(name, names, names.length > 0 ? `it has: ${listed(names)}` : 'it has no OpenAPI document')
    const hint = found.replace('mean `', `mean \`${service}.`)
    findings.error(keyAt, 'unknown-operation', `\`${ref}\`: \`${service}\` has no operation \`${name}\``, hint)
    return undefined
  }
  if (service === consumer) {
    findings.error(
      keyAt,
      'use-of-itself',
      `\`${ref}\` is an operation of this service`,
      'call the function, not the API',
    )
  }
  const style = textAt(value, 'style') as IntegrationStyle | undefined
  if (style === undefined && defaultStyle !== undefined && defaultStyle !== 'rpc') {
    const message = `\`${ref}\` is a call (style rpc), and the system's default is ${defaultStyle}`
    findings.error(keyAt, 'deviation-has-reason', message, 'write `{ style: rpc, reason: … }`')
  } else reasonIsGiven(value, defaultStyle, findings)
  return {
    ref,
    service,
    operation: name,
    style: style ?? 'rpc',
    ...optional('reason', textAt(value, 'reason')),
    ...optional('until', textAt(value, 'until')),
    ...optional('in', callersOf(ref, value, services.get(consumer), findings)),
    ...optional('fallback', textAt(value, 'fallback')),
    provider: operation,
    url: { env: urlVariable(service), ...optional('default', urls.get(service)?.default) },
    location: keyAt,
  }
}

/** The operations named by `in`: the consumer's own, and such as can call. */
function callersOf(
  ref: string,
  use: Node,
  consumer: ServiceContent | undefined,
  findings: Findings,
): readonly string[] | undefined {
  const written = field(use, 'in')
  if (written?.kind !== 'list' || consumer === undefined) return undefined
  const names = [...consumer.operations.keys(), ...consumer.receives.keys()]
  return written.items.flatMap((item) => {
    const name = text(item)
    if (name === undefined) return []
    if (names.includes(name) || consumer.names.incomplete) return [name]
    const message = `\`in\` of \`${ref}\`: \`${consumer.name}\` has no operation \`${name}\` that could call`
    const hint = didYouMean(name, names, names.length > 0 ? `it has: ${listed(names)}` : 'remove `in`')
    findings.error(item.at, 'unknown-operation', message, hint)
    return []
  })
}

/** `card-net` → `CARD_NET_URL`. */
function urlVariable(service: string): string {
  return `${service.toUpperCase().replaceAll('-', '_')}_URL`
}
