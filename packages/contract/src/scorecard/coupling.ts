import type { Schema } from '../model/schema.ts'
import type { Service } from '../model/system.ts'
import { inWords } from '../rules/durations.ts'
import { ownerOf } from '../rules/operations.ts'
import type { Edge } from './edges.ts'
import type { Coupling } from './model.ts'
import type { Scoring } from './question.ts'

type Judged = Omit<Coupling, 'dimension'>

/** What a transport keeps a message for where `channels` does not say. */
const TRANSPORT_DAYS = 7

/** How much the two sides of an integration depend on each other, in five ways, each with its reason. */
export function couplingOf(edge: Edge, scoring: Scoring): readonly Coupling[] {
  return [
    { dimension: 'time', ...time(edge, scoring) },
    { dimension: 'schema', ...schema(edge, scoring) },
    { dimension: 'deployment', ...deployment(edge, scoring) },
    { dimension: 'operations', ...operations(edge) },
    { dimension: 'format', ...format(edge, scoring) },
  ]
}

/** Must both be there at the same moment? */
function time(edge: Edge, { system }: Scoring): Judged {
  if (edge.style === 'database') return high('both need the same database to be up')
  if (edge.style === 'file') return low('the file waits until it is read')
  if (edge.kind === 'call') {
    const { timeoutMs } = edge.operation.guarantees.values
    const wait = timeoutMs === undefined ? 'with no limit that is written down' : `up to ${inWords(timeoutMs)}`
    const completion = edge.operation.guarantees.completion
    if (completion === undefined) return high(`the caller waits for the answer, ${wait}`)
    return medium(`the caller waits for a receipt, ${wait}; the work itself is done later`)
  }
  const kept = system.channels[edge.channel]?.retentionMs
  const days = kept === undefined ? `${TRANSPORT_DAYS} d` : inWords(kept)
  const within = edge.send?.guarantees.completion?.withinMs
  if (within !== undefined) {
    return medium(
      `the message waits up to ${days} for its receiver, but its outcome is promised within ${inWords(within)}`,
    )
  }
  return low(`the message waits up to ${days} for its receiver`)
}

/** How much of the other's data does one depend on? */
function schema(edge: Edge, scoring: Scoring): Judged {
  if (edge.style === 'database') return high('both read the same tables')
  const shared = scoring.violations('canonical-model').find(({ at }) => files(edge).includes(at.file))
  if (shared !== undefined) return high(shared.message)
  if (edge.kind === 'call') {
    if (edge.consumer === undefined) return medium('callers see the whole schema; what they use of it is not known')
    return medium('the consumer is built against the whole schema of the provider')
  }
  const transform = edge.receive?.integration?.transform
  if (transform !== undefined) return low(`translated by the receiver (${transform.with})`)
  const [sent, received] = [
    fieldsOf(edge.sent?.payload, edge.provider),
    fieldsOf(edge.received?.payload, edge.consumer),
  ]
  if (received === undefined || sent === undefined) {
    return medium(
      edge.consumer === undefined ? 'what subscribers read of it is not known' : 'what it reads cannot be counted',
    )
  }
  if (received.closed) return high('the receiver refuses every property it does not know: a new one breaks it')
  const read = received.names.filter((name) => sent.names.includes(name)).length
  const text = `the receiver reads ${read} of the ${sent.names.length} properties that are sent`
  return read * 2 <= sent.names.length || read <= 2 ? low(text) : medium(text)
}

/** Can each side be deployed without the other? */
function deployment(edge: Edge, scoring: Scoring): Judged {
  if (edge.style === 'database') return high('a migration of the tables has to fit both at once')
  const { consumer, provider } = edge
  const library = scoring.clientLibraries.find(
    (one) => one.consumer === consumer?.name && one.provider === provider?.name,
  )
  if (library !== undefined)
    return high(`the consumer is built with \`${library.library}\`: a new version has to be deployed in both`)
  const offered = edge.kind === 'call' ? edge.operation : (edge.send ?? edge.receive)
  const { compatibility, noticeMs } = offered?.integration ?? {}
  if (compatibility === 'none')
    return high('no compatibility is promised: a new version may need both to change at once')
  if (compatibility === undefined) return medium('nobody promises that a new version is compatible')
  const notice =
    noticeMs === undefined ? 'how long the old one stays is not said' : `the old one stays for ${inWords(noticeMs)}`
  const judged = noticeMs === undefined ? medium : low
  return judged(`${compatibility} compatible, ${notice}`)
}

/** When one side is in trouble, who has to act? */
function operations(edge: Edge): Judged {
  if (edge.style === 'database') return high('load and locks of one slow down the other')
  const [from, to] = [ownerName(edge.consumer), ownerName(edge.provider)]
  if (from !== undefined && from === to) return low(`both are run by ${from}`)
  if (edge.style === 'file') return medium('a late or broken file is noticed by whoever reads it')
  if (edge.kind === 'call') {
    const { retry, idempotency } = edge.operation.guarantees.values
    if (edge.operation.guarantees.declared.retry === undefined || retry === 'none') {
      return high('when the provider fails, the caller fails with it: no retry is promised')
    }
    const safe = idempotency === 'none' ? '' : ', which are safe'
    return medium(`short failures are bridged by ${retry.attempts} attempts${safe}; longer ones are the caller’s too`)
  }
  const values = edge.receive?.guarantees.values
  if (values === undefined) return low('the sender does not notice whether a receiver is in trouble')
  if (values.deadLetter !== 'none' && values.deadLetter.onPoison === 'hold-all') {
    return high('one message that cannot be handled stops all others')
  }
  if (values.deadLetter === 'none')
    return medium('what the receiver cannot handle is discarded: the sender has to notice')
  return low('what the receiver cannot handle waits with the receiver')
}

/** Does one have to use the other's technology? */
function format(edge: Edge, scoring: Scoring): Judged {
  if (edge.style === 'database') return high('both need the same database product')
  const { consumer, provider } = edge
  const library = scoring.clientLibraries.find(
    (one) => one.consumer === consumer?.name && one.provider === provider?.name,
  )
  if (library !== undefined) return high(`the consumer needs \`${library.library}\`, in its language`)
  const types = contentTypes(edge)
  const special = types.filter((type) => !/json|text\/|multipart\/form-data|x-www-form-urlencoded/i.test(type))
  const bound = edge.kind === 'message' ? Object.keys({ ...edge.send?.bindings, ...edge.receive?.bindings }) : []
  if (special.length > 0) return medium(`both have to read ${special.join(', ')}`)
  if (bound.length > 0) return medium(`the contract has settings of ${bound.join(', ')}`)
  return low(edge.kind === 'call' ? 'HTTP and JSON' : 'CloudEvents and JSON, over any transport')
}

function contentTypes(edge: Edge): readonly string[] {
  if (edge.kind === 'message') {
    return [...new Set([edge.sent, edge.received].flatMap((one) => (one === undefined ? [] : [one.contentType])))]
  }
  const { requestBody, responses } = edge.operation
  const all = [...(requestBody?.content ?? []), ...Object.values(responses).flatMap(({ content }) => content)]
  return [...new Set(all.map(({ contentType }) => contentType))]
}

interface Fields {
  readonly names: readonly string[]
  readonly closed: boolean
}

/** The properties of an object's schema, through references and `allOf`; undefined where it has none to count. */
function fieldsOf(written: Schema | undefined, service: Service | undefined): Fields | undefined {
  const names = new Set<string>()
  let closed = false
  const visit = (schema: unknown, depth: number): void => {
    if (typeof schema !== 'object' || schema === null || depth > 8) return
    const { $ref, properties, allOf, additionalProperties, unevaluatedProperties } = schema as Record<string, unknown>
    if (typeof $ref === 'string') visit(service?.schemas[$ref.replace('#/$defs/', '')]?.schema, depth + 1)
    if (typeof properties === 'object' && properties !== null)
      Object.keys(properties).forEach((name) => names.add(name))
    if (Array.isArray(allOf)) allOf.forEach((one) => visit(one, depth + 1))
    if (additionalProperties === false || unevaluatedProperties === false) closed = true
  }
  visit(written?.schema, 0)
  return names.size === 0 ? undefined : { names: [...names], closed }
}

function files(edge: Edge): readonly string[] {
  const sides: readonly (Edge['location'] | undefined)[] =
    edge.kind === 'call' ? [edge.operation.location] : [edge.sent?.payload.location, edge.received?.payload.location]
  return sides.flatMap((one) => (one === undefined ? [] : [one.file]))
}

function ownerName(service: Service | undefined): string | undefined {
  return service === undefined ? undefined : ownerOf(service)
}

function low(because: string): Judged {
  return { level: 'low', because }
}

function medium(because: string): Judged {
  return { level: 'medium', because }
}

function high(because: string): Judged {
  return { level: 'high', because }
}
