import { Option } from 'commander'
import { usualLimits } from '../doctor/check.ts'
import { examine } from '../doctor/examine.ts'
import { count } from '../output/table.ts'
import { command } from '../program.ts'
import { lookedAt, type LookOptions, serviceOption } from '../system/looked-at.ts'

export const doctor = command<LookOptions>({
  usage: 'doctor',
  summary: 'what is wrong with the databases and their surroundings, each with its fix',
  description:
    'Looks at the schema, the role and its privileges, vacuum, durability, replication slots, poolers, the oldest rows, ' +
    'clocks, tokens and addresses of every service and of the stream. It only reads. Exit code 1: it found something.',
  options: [
    serviceOption('these services and the stream only'),
    new Option('--database <url>', 'the database of the one service named by --service; the stream is left alone'),
  ],
  examples: [
    ['doctor', 'everything'],
    ['doctor --service orders --database postgres://me@db/orders', 'one database, as the role of that URL'],
    ['doctor --json', 'every check, and every finding with its fix'],
  ],
  async run(options, _args, output) {
    const { system, chosen } = await lookedAt(options)
    output.progress('examining')
    const examined = await examine(system, chosen, {
      database: options.database,
      env: process.env,
      limits: usualLimits,
    })
    output.progress('')
    const ran = examined.filter(({ notRun }) => notRun === undefined)
    const found = examined.flatMap(({ check, about, findings }) => findings.map((one) => ({ check, about, ...one })))
    output.document({ ran: ran.length, notRun: examined.length - ran.length, findings: found, checks: examined })
    for (const { check, about, severity, what, fix } of found) {
      const word = output.paint(severity === 'error' ? 'red' : 'yellow', severity)
      output.line(`${word}  ${about}: ${what}  ${output.paint('dim', check)}`)
      output.line(`  fix    ${fix}\n`)
    }
    const missed = Map.groupBy(
      examined.filter(({ notRun }) => notRun !== undefined),
      ({ about, notRun }) => `${about}: ${notRun ?? ''}`,
    )
    for (const [why, checks] of missed)
      output.line(`${output.paint('yellow', 'not run')}  ${why}: ${checks.map(({ check }) => check).join(', ')}`)
    const places = new Set(examined.map(({ about }) => about)).size
    const looked = `${count(ran.length, 'check')} of ${count(places, 'place')}${examined.length === ran.length ? '' : `, ${examined.length - ran.length} not run`}`
    output.line(found.length === 0 ? `nothing is wrong: ${looked}` : `${count(found.length, 'finding')}: ${looked}`)
    const ofDatabases = examined.filter(({ check }) => !['tokens', 'address', 'database'].includes(check))
    // A system without databases of ours is looked at all the same.
    if (ofDatabases.length > 0 && ofDatabases.every(({ notRun }) => notRun !== undefined)) return 2
    return found.length > 0 || examined.length > ran.length ? 1 : 0
  },
})
