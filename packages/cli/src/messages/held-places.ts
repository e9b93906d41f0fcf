/** Where the held messages that a command means are: the databases, and what of them its arguments choose. */
import { userInfo } from 'node:os'
import { createInterface } from 'node:readline/promises'
import type { System } from '@spandrel/contract'
import type { Database } from '@spandrel/runtime/operate'
import { Option } from 'commander'
import { complaint, CommandError } from '../output/command-error.ts'
import type { Output } from '../output/output.ts'
import type { CommonOptions } from '../program.ts'
import { connected } from '../system/connect.ts'
import { Databases, type FoundDatabase } from '../system/database-url.ts'
import { shown } from '../system/find-config.ts'
import { chooseServices, nearest, openSystem } from '../system/open-system.ts'
import { hasTables } from '../system/registrations.ts'
import { countHeld, type HeldFilter, type HeldMessage, type HeldState, heldStates } from './held-messages.ts'

export interface PlaceOptions extends CommonOptions {
  service?: string[]
  database?: string
}

export interface FilterOptions extends PlaceOptions {
  state?: HeldState[]
  operation?: string
  key?: string
  reason?: string
}

export const placeOptions: readonly Option[] = [
  new Option('--service <names>', 'look in these services only, separated by commas').argParser(list),
  new Option('--database <url>', 'the database of the one service named by --service'),
]

export const filterOptions: readonly Option[] = [
  new Option('--state <states>', `${heldStates.join(', ')}; several separated by commas`).argParser((text) =>
    list(text).map(stateOf),
  ),
  new Option('--operation <name>', 'messages of this operation: reserveStock, or inventory.reserveStock'),
  new Option('--key <key>', 'messages with this ordering key'),
  new Option('--reason <reason>', 'held for this reason: threw, timeout, terminal, contract-violation, …'),
]

export const actorOptions: readonly Option[] = [
  new Option('--by <name>', 'who asks (default: your name on this machine)'),
  new Option('-y, --yes', 'do not ask back; needed for several messages where there is no terminal'),
]

/** The databases a command looks into. */
export async function placesOf(options: PlaceOptions): Promise<{ system: System; places: FoundDatabase[] }> {
  const system = await openSystem(options.config)
  const chosen = chooseServices(system, options.service, '--service').filter((name) =>
    hasTables(system.services[name]!),
  )
  if (options.database !== undefined && options.service?.length !== 1) {
    throw new CommandError('--database names the database of one service', {
      where: '--database',
      fix: 'add --service with its name',
    })
  }
  if (chosen.length === 0) {
    throw new CommandError('there is nowhere to look: no service chosen has messages', {
      where: shown(system.file),
      fix: 'name a service that sends or receives messages',
    })
  }
  const databases = await Databases.of(system, { database: options.database })
  const alone = chosen.length === 1
  return { system, places: chosen.map((name) => databases.require(name, { alone })) }
}

export async function inPlace<T>(place: FoundDatabase, work: (database: Database) => Promise<T>): Promise<T> {
  try {
    return await connected(place, work)
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (code !== '3F000' && code !== '42P01') throw error
    throw new CommandError(`the database of ${place.service} has no tables of Spandrel`, {
      where: `from ${place.from}`,
      fix: 'run `spandrel migrate`',
      cause: error,
    })
  }
}

/** The filter of the options; an operation may be written with its service. */
export function filterOf(system: System, options: FilterOptions): { filter: HeldFilter; service: string | undefined } {
  const { state, key, reason } = options
  let { operation } = options
  let service: string | undefined
  const dot = operation?.indexOf('.') ?? -1
  if (operation !== undefined && dot > 0 && Object.hasOwn(system.services, operation.slice(0, dot))) {
    service = operation.slice(0, dot)
    operation = operation.slice(dot + 1)
  }
  const known = Object.values(system.services).flatMap((one) => Object.keys(one.receives))
  if (operation !== undefined && !known.includes(operation)) {
    const near = nearest(operation, known)
    throw new CommandError(`no service receives ${operation}`, {
      where: '--operation',
      fix:
        near === undefined ? `operations that receive are ${[...new Set(known)].join(', ')}` : `did you mean ${near}?`,
    })
  }
  return { filter: { states: state, operation, key, reason }, service }
}

/** `payments/12`: what `list` prints and the other commands take. */
export function reference(service: string, message: Pick<HeldMessage, 'id'>): string {
  return `${service}/${message.id}`
}

export interface ChosenMessages {
  place: FoundDatabase
  filter: HeldFilter
}

/** What references mean: `payments/12`, `12` beside one --service, or the message's own id. */
export async function chosenMessages(
  places: readonly FoundDatabase[],
  references: readonly string[],
): Promise<ChosenMessages[]> {
  const chosen: ChosenMessages[] = []
  for (const text of references) {
    const [, service, number] = /^(?:([^/]+)\/)?([1-9]\d{0,17})$/.exec(text) ?? []
    const named = service === undefined ? places : places.filter((place) => place.service === service)
    if (service !== undefined && named.length === 0) {
      throw new CommandError(`there is no service ${service} to look in`, {
        where: text,
        fix: `one of ${places.map((place) => place.service).join(', ')}`,
      })
    }
    if (number !== undefined && named.length > 1) {
      throw new CommandError(`${number} alone could be a message of any service`, {
        where: text,
        fix: `say ${named[0]?.service}/${number}, or add --service`,
      })
    }
    const filter: HeldFilter = number === undefined ? { messageId: text } : { ids: [number] }
    const found: ChosenMessages[] = []
    for (const place of named) {
      const counts = await inPlace(place, ({ query }) => countHeld(query, filter))
      if (counts.dead + counts.retrying + counts.waiting > 0) found.push({ place, filter })
    }
    if (found.length === 0) {
      throw new CommandError(`${text} is not held`, {
        where: named.map((place) => place.service).join(', '),
        fix: 'it may have been handled, or discarded; `spandrel journey` tells. `spandrel messages list` shows what is held',
      })
    }
    chosen.push(...found)
  }
  return chosen
}

/** Who is asking, for the record. */
export function actor(by: string | undefined): string {
  if (by !== undefined && by.trim() !== '') return by.trim()
  try {
    return userInfo().username
  } catch {
    // Containers may run as a user that has no name.
    return process.env['USER'] ?? `uid ${process.getuid?.() ?? 'unknown'}`
  }
}

/** Asks back before something is done to several messages. */
export async function confirmed(question: string, output: Output, yes: boolean | undefined): Promise<void> {
  if (yes === true) return
  if (!process.stdin.isTTY || !process.stderr.isTTY || output.json) {
    throw new CommandError(`this concerns several messages, and nobody can be asked here: ${question}`, {
      where: 'no terminal',
      fix: 'add --yes if that is what you want',
    })
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(`${question} [y/N] `)
  terminal.close()
  if (!/^y(?:es)?$/i.test(answer.trim())) throw new CommandError('nothing was done', { fix: 'answer y, or add --yes' })
}

/** Says about an error of one database which it was, and goes on with the others. */
export function warnAbout(place: FoundDatabase, error: unknown, output: Output): void {
  const { what, where } = complaint(error)
  output.warn(`${place.service} was not looked into: ${what}${where === undefined ? '' : ` (${where})`}`)
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function stateOf(text: string): HeldState {
  const state = heldStates.find((one) => one === text)
  if (state !== undefined) return state
  const near = nearest(text, heldStates)
  throw new CommandError(`there is no state ${text}`, {
    where: '--state',
    fix: near === undefined ? `one of ${heldStates.join(', ')}` : `did you mean ${near}?`,
  })
}
