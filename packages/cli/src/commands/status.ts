import { Option } from 'commander'
import { command } from '../program.ts'
import { lookedAt, type LookOptions, serviceOption } from '../system/looked-at.ts'
import { needsOf } from '../status/needs.ts'
import { statusLines } from '../status/show.ts'
import { isAway, systemStatus } from '../status/system-status.ts'

export const status = command<LookOptions>({
  usage: 'status',
  summary: 'how a running system is doing, and what needs a person',
  description:
    'Asks every service and looks into every database: who answers, what is unsent, how far readers are behind, what is ' +
    'held. What is away is named, and the rest is shown. It only reads. Exit code 1: something needs a person.',
  options: [
    serviceOption('these services only'),
    new Option('--database <url>', 'the database of the one service named by --service'),
  ],
  examples: [
    ['status', 'all services'],
    ['status --service ledger', 'one of them'],
    ['status --json', 'for a dashboard: every number, and what needs a person'],
  ],
  async run(options, _args, output) {
    const { system, chosen } = await lookedAt(options)
    output.progress(`looking at ${chosen.length} services`)
    const found = await systemStatus(system, chosen, {
      database: options.database,
      token: process.env['SPANDREL_MANAGEMENT_TOKEN'],
    })
    output.progress('')
    const lookedInto = found.gateway !== undefined && !isAway(found.gateway)
    const seen =
      lookedInto ||
      found.services.some(({ http, database }) => {
        return (http !== undefined && http.state !== 'unreachable') || (database !== undefined && !isAway(database))
      })
    const needs = needsOf(found)
    output.document({ ...found, needs })
    for (const line of statusLines(found, needs, output.paint)) output.line(line)
    // Nobody answers at all: most likely this is looking in the wrong place.
    if (!seen) return 2
    return needs.length > 0 ? 1 : 0
  },
})
