import type { System } from '@spandrel/contract'
import { complaint, CommandError } from '../output/command-error.ts'
import type { JourneyNode } from '../journey/journey-node.ts'
import { journeyTree, type Receiver } from '../journey/journey-tree.ts'
import { findJourneys, type FoundJourney, type JourneyRows, mostRows, readRows } from '../journey/read-rows.ts'
import { renderJourney } from '../journey/render-journey.ts'
import { command } from '../program.ts'
import { connected } from '../system/connect.ts'
import { Databases, type FoundDatabase } from '../system/database-url.ts'
import { shown } from '../system/find-config.ts'
import { openSystem } from '../system/open-system.ts'
import { hasTables } from '../system/registrations.ts'

/** Journeys of one id that are shown; the others are named. */
const mostJourneys = 5

export const journey = command({
  usage: 'journey <id>',
  summary: 'everything that is known about one order, request or message',
  description:
    'Follows one correlation id through the databases of all services and shows what caused what: requests, messages, ' +
    'attempts, duplicates, dead letters, replays. The id may be a correlation id, the id of a message or request, an ' +
    'idempotency key, or a value found in data (an order id).',
  examples: [
    ['journey ord_17', 'of an order'],
    ['journey 6f1c9a52-0d0e-4c39-9b0a-0c6c1f2b7c55', 'of a message, request, or correlation id'],
    ['journey ord_17 --json', 'for programs'],
  ],
  async run(options, [id = ''], output) {
    const system = await openSystem(options.config)
    const databases = await Databases.of(system)
    const services = Object.values(system.services).filter(hasTables)
    const alone = services.length === 1
    const reached: FoundDatabase[] = []
    const missing: { service: string; why: string }[] = []
    const found = new Map<string, FoundJourney>()
    for (const { name } of services) {
      const database = databases.find(name, { alone })
      if (database === undefined) {
        missing.push({ service: name, why: 'its database is not known' })
        continue
      }
      output.progress(`looking in ${name}`)
      try {
        for (const one of await connected(database, ({ query }) => findJourneys(query, id), { statementMs: 15_000 })) {
          const known = found.get(one.correlation)
          const named = { ...one, as: nameOf(system, name, one) }
          // A property's name says more than that it is a key.
          if (known === undefined || (isGeneric(known.as) && !isGeneric(named.as))) found.set(one.correlation, named)
        }
        reached.push(database)
      } catch (error) {
        missing.push({ service: name, why: whyMissing(error) })
      }
    }
    for (const { service, why } of missing) output.warn(`what ${service} knows is missing here: ${why}`)
    if (reached.length === 0) {
      throw new CommandError('no database of this system could be read', {
        where: shown(system.file),
        fix: 'start `spandrel dev`, or set <SERVICE>_DATABASE_URL',
      })
    }
    const all = [...found.values()].sort((a, b) => b.at.getTime() - a.at.getTime())
    const chosen = all.slice(0, mostJourneys)
    const journeys: { correlation: string; as: string; tree: JourneyNode[] }[] = []
    for (const one of chosen) {
      const rows: JourneyRows[] = []
      for (const database of reached) {
        output.progress(`reading ${database.service}`)
        rows.push(await connected(database, ({ query }) => readRows(database.service, query, one.correlation)))
      }
      if (
        rows.some((part) => [part.journal, part.sent, part.inbox, part.held].some((list) => list.length >= mostRows))
      ) {
        output.warn(`this journey is longer than ${mostRows} rows; its end is not shown`)
      }
      journeys.push({
        correlation: one.correlation,
        as: one.as,
        tree: journeyTree(rows, (channel, type) => receiversOf(system, channel, type)),
      })
    }
    output.document({ id, journeys, others: all.slice(mostJourneys).map((one) => one.correlation), missing })
    if (journeys.length === 0) {
      output.note(`nothing is known about ${id} in ${reached.map((one) => one.service).join(', ')}`)
      output.note('  It may be older than what is kept, or be spelt differently: ids are compared letter by letter.')
      return 1
    }
    for (const [index, one] of journeys.entries()) {
      if (index > 0) output.line()
      const name = one.as === 'correlation id' ? '' : `${output.paint('bold', titleOf(one.as, id))} · `
      output.line(`${name}correlation ${one.correlation}`)
      for (const line of renderJourney(one.tree, output.paint)) output.line(line)
    }
    if (all.length > mostJourneys)
      output.note(
        `${all.length - mostJourneys} more: ${all
          .slice(mostJourneys)
          .map((one) => one.correlation)
          .join(', ')}`,
      )
    return 0
  },
})

/** What a key is a key of, where the contract says: `orderId` for `$message.payload#/orderId`. */
function nameOf(system: System, service: string, found: FoundJourney): string {
  const operations = system.services[service]
  const operation =
    found.operation === undefined
      ? undefined
      : (operations?.receives[found.operation] ?? operations?.operations[found.operation])
  if (operation === undefined) return found.as
  const { idempotency, ordering } = operation.guarantees.values
  const by =
    found.as === 'key'
      ? typeof idempotency === 'object' && idempotency.key
      : typeof ordering === 'object' && ordering.by
  return typeof by === 'object' && 'pointer' in by ? (by.pointer.at(-1) ?? found.as) : found.as
}

function isGeneric(as: string): boolean {
  return as === 'value' || as === 'key' || as === 'ordering key'
}

/** `order ord_17` where it was found as `orderId`; `key k-1` where it is a key. */
function titleOf(as: string, id: string): string {
  const noun =
    as === 'value'
      ? ''
      : as
          .replace(/[-_ ]?id$/i, '')
          .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
          .toLowerCase()
  return noun === '' ? id : `${noun} ${id}`
}

function receiversOf(system: System, channel: string, type: string): Receiver[] {
  const receivers: Receiver[] = []
  for (const service of Object.values(system.services)) {
    if (service.external) continue
    for (const receive of Object.values(service.receives)) {
      if (receive.channel !== channel || !receive.messages.some((message) => message.type === type)) continue
      receivers.push({ service: service.name, operation: receive.operation })
    }
  }
  return receivers
}

function whyMissing(error: unknown): string {
  const code = (error as { code?: unknown }).code
  if (code === '57014') return 'looking through its tables took too long; give a correlation id or a message id'
  if (code === '3F000' || code === '42P01') return 'it was never migrated; run `spandrel migrate`'
  const { what, where } = complaint(error)
  return where === undefined ? what : `${what} (${where})`
}
