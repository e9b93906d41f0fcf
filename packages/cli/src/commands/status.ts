import { Option } from 'commander'
import { CommandError } from '../output/command-error.ts'
import { command, type CommonOptions } from '../program.ts'
import { chooseServices, openSystem } from '../system/open-system.ts'
import { needsOf } from '../status/needs.ts'
import { statusLines } from '../status/show.ts'
import { isAway, systemStatus } from '../status/system-status.ts'

interface StatusOptions extends CommonOptions {
  service?: string[]
  database?: string
}

export const status = command<StatusOptions>({
  usage: 'status',
  summary: 'how a running system is doing, and what needs a person',
  description:
    'Asks every service and looks into every database: who answers, what is unsent, how far readers are behind, what is ' +
    'held. What is away is named, and the rest is shown. It only reads. Exit code 1: something needs a person.',
  options: [
    new Option('--service <names>', 'these services only, separated by commas').argParser((text) =>
      text.split(',').map((name) => name.trim()),
    ),
    new Option('--database <url>', 'the database of the one service named by --service'),
  ],
  examples: [
    ['status', 'all services'],
    ['status --service ledger', 'one of them'],
    ['status --json', 'for a dashboard: every number, and what needs a person'],
  ],
  async run(options, _args, output) {
    const system = await openSystem(options.config)
    const chosen = chooseServices(system, options.service, '--service')
    if (options.database !== undefined && options.service?.length !== 1) {
      throw new CommandError('--database names the database of one service', {
        where: '--database',
        fix: 'add --service with its name',
      })
    }
    output.progress(`looking at ${chosen.length} services`)
    const found = await systemStatus(system, chosen, {
      database: options.database,
      token: process.env['SPANDREL_MANAGEMENT_TOKEN'],
    })
    output.progress('')
    const seen = found.services.some(({ http, database }) => {
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
