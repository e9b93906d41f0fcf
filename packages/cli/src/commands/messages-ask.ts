/** `messages replay` and `messages discard`: both ask the owner of a message to do something with it. */
import { Option } from 'commander'
import { countHeld, headOf, type HeldFilter, heldStates, requestHeld } from '../messages/held-messages.ts'
import {
  actor,
  actorOptions,
  chosenMessages,
  type ChosenMessages,
  confirmed,
  type FilterOptions,
  filterOf,
  filterOptions,
  inPlace,
  placeOptions,
  placesOf,
} from '../messages/held-places.ts'
import { CommandError } from '../output/command-error.ts'
import type { Output } from '../output/output.ts'
import { count } from '../output/table.ts'
import { command, type CommandSpec, type CommonOptions, type ExitCode } from '../program.ts'

interface AskOptions extends FilterOptions {
  all?: boolean
  limit?: number
  by?: string
  why?: string
  pastWindow?: boolean
  yes?: boolean
}

const bulkOptions: readonly Option[] = [
  new Option('--all', 'every message that fits the filters'),
  new Option('--limit <number>', 'with --all: only the first so many, to try it out').argParser(atLeastOne),
]

export const messagesReplay = ask({
  what: 'replay',
  usage: 'replay [messages...]',
  summary: 'try messages again that gave up',
  description:
    'Asks the service that holds a message to try it again, with the same key, there and nowhere else. With --all, every ' +
    'dead letter that fits the filters. What waits behind a message follows by itself.',
  why: new Option('--why <text>', 'why, for the record'),
  more: [
    new Option(
      '--past-window',
      'also where it was held for longer than its key is remembered: it may run a second time',
    ),
  ],
  examples: [
    ['messages replay payments/12', 'one message'],
    ['messages replay --all --operation payments.capturePayment', 'all dead letters of an operation'],
    ['messages replay --all --reason timeout --limit 1 --yes', 'one of many, to see whether it works now'],
  ],
})

export const messagesDiscard = ask({
  what: 'discard',
  usage: 'discard [messages...]',
  summary: 'give messages up, with a reason',
  description:
    'Asks the service that holds a message to give it up: it is never handled, its key is freed, and who did it and why is ' +
    'recorded. This cannot be taken back.',
  why: new Option('--why <text>', 'why (required)').makeOptionMandatory(),
  examples: [
    ['messages discard payments/12 --why "test order"', 'one message'],
    ['messages discard --all --key ord_17 --why "order was cancelled by phone"', 'everything of one key'],
  ],
})

interface Asking {
  what: 'replay' | 'discard'
  usage: string
  summary: string
  description: string
  why: Option
  more?: readonly Option[]
  examples: readonly (readonly [string, string])[]
}

function ask(asking: Asking): CommandSpec<CommonOptions> {
  const { what, why, more = [], ...texts } = asking
  return command<AskOptions>({
    ...texts,
    options: [...placeOptions, ...bulkOptions, ...filterOptions, why, ...more, ...actorOptions],
    run: (options, references, output) => run(what, options, references, output),
  })
}

async function run(
  what: Asking['what'],
  options: AskOptions,
  references: readonly string[],
  output: Output,
): Promise<ExitCode> {
  if (what === 'discard' && (options.why ?? '').trim() === '') {
    throw new CommandError('a discard needs a reason', { where: '--why', fix: 'say why, for whoever asks later' })
  }
  const { system, places } = await placesOf(options)
  const bulk = options.all === true
  if (bulk === references.length > 0) {
    throw new CommandError(bulk ? '--all and single messages do not go together' : 'which messages?', {
      fix: `name messages as \`spandrel messages list\` shows them, or say --all with filters`,
    })
  }
  const chosen: ChosenMessages[] = []
  if (bulk) {
    const { filter, service } = filterOf(system, options)
    const states: HeldFilter['states'] = filter.states ?? (what === 'replay' ? ['dead', 'waiting'] : undefined)
    for (const place of places)
      if (service === undefined || place.service === service) chosen.push({ place, filter: { ...filter, states } })
  } else chosen.push(...(await chosenMessages(places, references)))

  let total = 0
  let waiting = 0
  const withMessages: (ChosenMessages & { number: number })[] = []
  for (const one of chosen) {
    const counts = await inPlace(one.place, ({ query }) => countHeld(query, one.filter))
    let number = counts.dead + counts.retrying + counts.waiting
    let { filter } = one
    if (what === 'replay') {
      // Its owner would refuse what waits: that follows the one before it.
      number -= counts.waiting
      waiting += counts.waiting
      filter = { ...filter, states: (filter.states ?? heldStates).filter((state) => state !== 'waiting') }
    }
    total += number
    if (number > 0) withMessages.push({ ...one, filter, number })
  }
  if (!bulk && total === 0 && waiting > 0) throw await waits(chosen)
  const skipped =
    waiting === 0
      ? undefined
      : `${count(waiting, 'waiting message')} skipped: each follows by itself when the one before it of its key is done`
  const concerned = Math.min(total, options.limit ?? total)
  if (concerned === 0) {
    output.document({ what, asked: [], ...(waiting > 0 && { waiting }) })
    output.line('no message fits; nothing was done')
    if (skipped !== undefined) output.note(skipped)
    return 0
  }
  if (concerned > 1) {
    const where = withMessages.map((one) => `${one.number} in ${one.place.service}`).join(', ')
    await confirmed(
      `${what} ${count(concerned, 'message')}${concerned < total ? ` of ${total}` : ''} (${where})?`,
      output,
      options.yes,
    )
  }
  const by = actor(options.by)
  const asked: string[] = []
  for (const { place, filter } of withMessages) {
    const limit = options.limit === undefined ? undefined : options.limit - asked.length
    const ids = await inPlace(place, ({ query }) =>
      requestHeld(
        query,
        filter,
        { what, by, why: options.why, limit, pastWindow: options.pastWindow === true },
        (number) => output.progress(`${asked.length + number} of ${concerned}`),
      ),
    )
    asked.push(...ids.map((id) => `${place.service}/${id}`))
  }
  output.document({ what, by, why: options.why ?? null, asked, ...(waiting > 0 && { waiting }) })
  output.line(`${what} of ${asked.length === 1 ? asked[0] : count(asked.length, 'message')} asked for by ${by}`)
  if (skipped !== undefined) output.note(skipped)
  output.note(
    'the service that holds it carries this out within a moment, if it runs; `spandrel messages list` shows what is left',
  )
  return 0
}

/** Why the messages named cannot be replayed: what they wait behind, and what to do about that. */
async function waits(chosen: readonly ChosenMessages[]): Promise<CommandError> {
  for (const { place, filter } of chosen) {
    const found = await inPlace(place, ({ query }) => headOf(query, filter))
    if (found === undefined) continue
    const [head, all] = [`${place.service}/${found.head}`, `--all --service ${place.service} --key`]
    return new CommandError(`${place.service}/${found.id} waits behind ${head}, an earlier message of its key`, {
      where: `key ${found.key}`,
      fix: `replay ${head} first${found.headState === 'dead' ? `, or ${all} ${found.key}` : ''}; what waits follows by itself`,
    })
  }
  return new CommandError('they were waiting, and have moved on', { fix: 'run `spandrel messages list`' })
}

function atLeastOne(text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number > 0) return number
  throw new CommandError(`${text} is no number of messages`, { where: '--limit', fix: 'a whole number above 0' })
}
