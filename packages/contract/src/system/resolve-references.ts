import type { Findings } from '../findings/findings.ts'
import { didYouMean, listed } from '../findings/nearest.ts'
import type { PendingReference } from '../service/reading.ts'
import type { ServiceContent } from '../service/read-service.ts'

export interface Known {
  readonly services: ReadonlyMap<string, ServiceContent>
  readonly workflows: readonly string[]
  readonly channels: readonly string[]
}

/** Everything that contracts name elsewhere must be there. */
export function resolveReferences(references: readonly PendingReference[], known: Known, findings: Findings): void {
  const incomplete = [...known.services.values()].some(({ names }) => names.incomplete)
  for (const reference of references) {
    if (reference.kind === 'workflow') plainName(reference, known.workflows, 'workflow', findings)
    else if (reference.kind === 'channel') {
      if (!incomplete) plainName(reference, known.channels, 'channel', findings)
    } else named(reference, reference.kind, known, findings)
  }
}

function plainName(
  { member, ref, at }: PendingReference,
  names: readonly string[],
  what: string,
  findings: Findings,
): void {
  if (names.includes(ref)) return
  const hint = didYouMean(ref, names, names.length > 0 ? `there are: ${listed(names)}` : `declare the ${what} first`)
  findings.error(at, `unknown-${what}`, `\`${member}: ${ref}\`: there is no ${what} \`${ref}\``, hint)
}

/** `<service>.<name>`, or a name of the same service; names may have dots themselves. */
function named(
  { service, member, ref, at }: PendingReference,
  kind: 'any' | 'operation' | 'message',
  known: Known,
  findings: Findings,
): void {
  const wanted = kind === 'any' ? undefined : kind
  const own = known.services.get(service)
  if (own?.names.has(ref, wanted) === true) return
  const dot = ref.indexOf('.')
  const provider = dot < 0 ? own : known.services.get(ref.slice(0, dot))
  const name = dot < 0 ? ref : ref.slice(dot + 1)
  if (provider === undefined) {
    const other = ref.slice(0, dot)
    const hint = didYouMean(other, known.services.keys(), 'add its spandrel.yaml to `include`')
    findings.error(at, 'unknown-service', `\`${member}: ${ref}\`: there is no service \`${other}\``, hint)
    return
  }
  if (provider.names.incomplete || provider.names.has(name, wanted)) return
  const what = kind === 'any' ? 'operation or message' : kind
  const names = provider.names.all(wanted)
  const prefix = dot < 0 ? '' : `${provider.name}.`
  const hint = didYouMean(name, names, names.length > 0 ? `\`${provider.name}\` has: ${listed(names)}` : 'declare it')
  const message = `\`${member}: ${ref}\`: \`${provider.name}\` has no ${what} \`${name}\``
  findings.error(at, `unknown-${kind === 'any' ? 'name' : kind}`, message, hint.replace('mean `', `mean \`${prefix}`))
}
