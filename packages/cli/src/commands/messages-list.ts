import { Option } from 'commander'
import { countHeld, type HeldMessage, listHeld } from '../messages/held-messages.ts'
import {
  type FilterOptions,
  filterOf,
  filterOptions,
  inPlace,
  placeOptions,
  placesOf,
  reference,
  warnAbout,
} from '../messages/held-places.ts'
import { CommandError } from '../output/command-error.ts'
import { count, span, table } from '../output/table.ts'
import { command } from '../program.ts'

interface ListOptions extends FilterOptions {
  limit?: number
}

const defaultLimit = 50

export const messagesList = command<ListOptions>({
  usage: 'list',
  summary: 'messages that are retrying, waiting or dead',
  description:
    'Shows held messages of all services, oldest first: those to be tried again, those waiting behind an earlier one of ' +
    'their key, and dead letters.',
  options: [
    ...placeOptions,
    ...filterOptions,
    new Option('--limit <number>', `at most so many of each service (default ${defaultLimit})`).argParser(atLeastOne),
  ],
  examples: [
    ['messages list', 'everything that is held'],
    ['messages list --state dead --service payments', 'dead letters of one service'],
    ['messages list --key ord_17', 'what one order waits for'],
  ],
  async run(options, _args, output) {
    const { system, places } = await placesOf(options)
    const { filter, service } = filterOf(system, options)
    const limit = options.limit ?? defaultLimit
    const found: { service: string; message: HeldMessage }[] = []
    const totals = { dead: 0, retrying: 0, waiting: 0 }
    let unreachable = 0
    for (const place of places) {
      if (service !== undefined && place.service !== service) continue
      output.progress(`looking in ${place.service}`)
      try {
        await inPlace(place, async ({ query }) => {
          const counts = await countHeld(query, filter)
          for (const state of ['dead', 'retrying', 'waiting'] as const) totals[state] += counts[state]
          for (const message of await listHeld(query, filter, { after: '0', limit }))
            found.push({ service: place.service, message })
        })
      } catch (error) {
        if (places.length === 1) throw error
        unreachable++
        warnAbout(place, error, output)
      }
    }
    if (unreachable === places.length)
      throw new CommandError('no database could be looked into', {
        fix: 'start `spandrel dev`, or set <SERVICE>_DATABASE_URL',
      })
    output.document({
      totals,
      messages: found.map(({ service: name, message }) => ({
        ref: reference(name, message),
        service: name,
        ...message,
      })),
    })
    const now = Date.now()
    const rows = found.map(({ service: name, message }) => {
      const colour = message.state === 'dead' ? 'red' : message.state === 'retrying' ? 'yellow' : 'dim'
      const target = message.side === 'producer' ? `to ${message.channel}` : `${name}.${message.operation ?? '?'}`
      const why = message.error ?? message.reason ?? ''
      return [
        output.paint(colour, message.state),
        reference(name, message),
        message.type,
        target,
        message.partitionkey ?? '',
        String(message.attempts),
        span(now - message.held_at.getTime()),
        `${message.request === null ? '' : `[${message.request} asked for] `}${oneLine(why)}`,
      ]
    })
    if (rows.length > 0) {
      const head = ['STATE', 'MESSAGE', 'TYPE', 'OPERATION', 'KEY', 'TRIED', 'SINCE', 'WHY'].map((text) =>
        output.paint('dim', text),
      )
      for (const line of table([head, ...rows])) output.line(line)
      output.line()
    }
    const all = totals.dead + totals.retrying + totals.waiting
    const states = (['dead', 'retrying', 'waiting'] as const).filter((state) => totals[state] > 0)
    output.line(
      all === 0
        ? 'nothing is held'
        : `${count(all, 'message')}: ${states.map((state) => `${totals[state]} ${state}`).join(', ')}`,
    )
    if (all > found.length)
      output.note(`${all - found.length} more are not shown; narrow the list with filters, or raise --limit`)
    return 0
  },
})

function atLeastOne(text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number > 0) return number
  throw new CommandError(`${text} is no number of messages`, { where: '--limit', fix: 'a whole number above 0' })
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > 100 ? `${line.slice(0, 99)}…` : line
}
