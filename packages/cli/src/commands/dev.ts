import { Option } from 'commander'
import { DevLog } from '../dev/dev-log.ts'
import { speakersOf, startedServices } from '../dev/dev-plan.ts'
import { DevSession } from '../dev/dev-session.ts'
import { runningDev } from '../dev/state-file.ts'
import { CommandError } from '../output/command-error.ts'
import { command, type CommonOptions } from '../program.ts'
import { findConfig, shown } from '../system/find-config.ts'
import { chooseServices, openSystem } from '../system/open-system.ts'

interface DevOptions extends CommonOptions {
  only?: string[]
  postgres?: string
}

export const dev = command<DevOptions>({
  usage: 'dev',
  summary: 'run the whole system on this machine',
  description:
    'Starts PostgreSQL (data in .spandrel/postgres), a database for each service, the gateway, and every service ' +
    'that has a `dev` command; generates contracts, migrates, and restarts what a change of files concerns.',
  options: [
    new Option('--only <services>', 'start these services only, separated by commas').argParser((text) =>
      text
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    ),
    new Option('--postgres <url>', 'use this server instead of the embedded one; it keeps one database a service'),
  ],
  examples: [
    ['dev', 'everything'],
    ['dev --only orders,payments', 'two services; run the others yourself'],
    ['dev --postgres postgres://me@localhost:5432/postgres', 'on a server of your own'],
  ],
  async run(options, _args, output) {
    const config = await findConfig(options.config)
    const system = await openSystem(config)
    const started = startedServices(system, chooseServices(system, options.only, '--only'))
    if (started.size === 0) {
      throw new CommandError('there is nothing to start: no service has a `dev` command', {
        where: shown(config),
        fix: 'give a service the command that starts it, for example `dev: node src/main.ts`',
      })
    }
    const running = await runningDev(system.dir)
    if (running !== undefined) {
      throw new CommandError(`\`spandrel dev\` already runs for ${running.system}, as process ${running.pid}`, {
        where: shown(config),
        fix: 'stop that one first; the other commands find its databases by themselves',
      })
    }

    const log = new DevLog({ json: output.json, speakers: speakersOf(system, started) })
    const asked = new Promise<string>((resolve) => {
      let signals = 0
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
        process.on(name, () => {
          // The guardian ends what is left then.
          if (++signals > 1) process.exit(2)
          resolve(name)
        })
      }
      // The terminal, or the program that read our log, is gone.
      process.stdout.on('error', () => resolve('the end of its log'))
    })
    const session = await DevSession.open(
      { config, only: options.only, postgres: options.postgres },
      system,
      log,
      output,
    )
    try {
      await Promise.race([session.up(), asked])
      const why = await asked
      log.event('stopping', `stopping (${why}); again to stop at once`)
    } finally {
      await session.down()
    }
    log.event('stopped', 'everything has ended')
    return 0
  },
})
