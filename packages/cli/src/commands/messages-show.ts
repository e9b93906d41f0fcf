import { type HeldDetails, showHeld, listHeld } from '../messages/held-messages.ts'
import {
  chosenMessages,
  inPlace,
  placeOptions,
  type PlaceOptions,
  placesOf,
  reference,
} from '../messages/held-places.ts'
import { span, table } from '../output/table.ts'
import { command } from '../program.ts'

/** Of data; the rest is there with --json. */
const mostShown = 16_000

export const messagesShow = command<PlaceOptions>({
  usage: 'show <message>',
  summary: 'one held message: why, since when, and its data',
  description: 'Shows a held message with its attributes and data, why it is held, and what can be done about it.',
  options: placeOptions,
  examples: [
    ['messages show payments/12', 'as `messages list` names it'],
    ['messages show 6f1c9a52-0d0e-4c39-9b0a-0c6c1f2b7c55', "by the message's own id"],
  ],
  async run(options, [text = ''], output) {
    const { places } = await placesOf(options)
    const details: { service: string; message: HeldDetails }[] = []
    for (const { place, filter } of await chosenMessages(places, [text])) {
      await inPlace(place, async ({ query }) => {
        for (const { id } of await listHeld(query, filter, { after: '0', limit: 20 })) {
          const message = await showHeld(query, id)
          if (message !== undefined) details.push({ service: place.service, message })
        }
      })
    }
    output.document({
      messages: details.map(({ service, message }) => ({
        ref: reference(service, message),
        service,
        ...message,
        attributes: parsed(message.attributes),
        data: parsed(message.data),
      })),
    })
    for (const [index, { service, message }] of details.entries()) {
      if (index > 0) output.line()
      const ref = reference(service, message)
      output.line(`${output.paint('bold', ref)}  ${state(message)}`)
      for (const line of table(facts(message), { indent: 2 })) output.line(line)
      output.line('  data')
      const data = pretty(message.data)
      for (const line of data.slice(0, mostShown).split('\n')) output.line(`    ${line}`)
      if (data.length > mostShown) output.line(`    … ${data.length - mostShown} more characters; --json shows all`)
      output.note(`\nnext: spandrel messages replay ${ref}\n      spandrel messages discard ${ref} --why "…"`)
      if (message.correlationid !== null) output.note(`      spandrel journey ${message.correlationid}`)
    }
    return 0
  },
})

function state(message: HeldDetails): string {
  const ago = span(Date.now() - message.held_at.getTime())
  if (message.state === 'dead') {
    const until = message.expires_at === null ? '' : `, kept until ${message.expires_at.toISOString()}`
    return `dead letter since ${(message.dead_at ?? message.held_at).toISOString()}${until}`
  }
  if (message.state === 'waiting') return `waiting for ${ago} behind an earlier message of its key`
  return `retrying for ${ago}${message.due_at === null ? '' : `, next at ${message.due_at.toISOString()}`}`
}

function facts(message: HeldDetails): string[][] {
  const rows: (readonly [string, string | null])[] = [
    ['message', `${message.message_id} (${message.type}) from ${message.source}`],
    [message.side === 'producer' ? 'could not be sent to' : 'channel', message.channel],
    ['operation', message.operation],
    ['ordering key', message.partitionkey],
    ['correlation', message.correlationid],
    ['tried', `${message.attempts} times${message.replays === 0 ? '' : `, replayed ${message.replays} times`}`],
    ['why', message.reason],
    ['error', message.error],
    ['contract', message.contract_version],
    [
      'asked',
      message.request === null
        ? null
        : `${message.request} by ${message.requested_by ?? 'somebody'}${message.requested_why === null ? '' : `: ${message.requested_why}`}`,
    ],
  ]
  return rows.filter((row): row is [string, string] => row[1] !== null)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

function pretty(text: string): string {
  const value = parsed(text)
  return typeof value === 'string' ? text : JSON.stringify(value, null, 2)
}
