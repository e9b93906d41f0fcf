/** Which services a command that looks into a system looks at: `--service` and `--database`. */
import type { System } from '@spandrel/contract'
import { Option } from 'commander'
import { CommandError } from '../output/command-error.ts'
import type { CommonOptions } from '../program.ts'
import { chooseServices, openSystem } from './open-system.ts'

export interface LookOptions extends CommonOptions {
  service?: string[]
  database?: string
}

export function serviceOption(description: string): Option {
  return new Option('--service <names>', `${description}, separated by commas`).argParser((text) =>
    text.split(',').map((name) => name.trim()),
  )
}

/** Throws where a service does not exist, or where it is not told whose database `--database` is. */
export async function lookedAt(options: LookOptions): Promise<{ system: System; chosen: string[] }> {
  const system = await openSystem(options.config)
  const chosen = chooseServices(system, options.service, '--service')
  if (options.database !== undefined && options.service?.length !== 1) {
    throw new CommandError('--database names the database of one service', {
      where: '--database',
      fix: 'add --service with its name',
    })
  }
  return { system, chosen }
}
