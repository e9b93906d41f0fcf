/** What `spandrel verify` is given, read and refused with a fix. */
import type { HeaderList, ProxyOptions } from '@spandrel/verify'
import { Option } from 'commander'
import { CommandError } from '../output/command-error.ts'
import { type FormatOptions, formatOption } from '../output/print-report.ts'
import type { CommonOptions } from '../program.ts'

export interface VerifyCommandOptions extends CommonOptions, FormatOptions {
  service?: string
  url?: string[]
  operation?: string[]
  profile?: 'quick' | 'default' | 'deep'
  caller?: string[]
  tenant?: string
  dependency?: string[]
  allow?: string[]
  database?: string
  count?: string[]
  transport?: string
  push?: string | true
  pushMode?: 'binary' | 'structured'
  start?: string
  kill?: string
  ready?: string[]
  volatile?: string[]
  seed?: string
  repeat?: string
  dryRun?: boolean
  judge?: string
  history?: string
  ledger?: string
  due?: boolean
  html?: string
  scripts?: string
  allowInconclusive?: boolean
}

const several = (value: string, before: string[] = []): string[] => [...before, value]

export const verifyOptions: readonly Option[] = [
  new Option('--service <name>', 'the service to attack, where the system has several'),
  new Option('--url <url>', 'base URL of an instance; once for each (default: `url` in spandrel.yaml)').argParser(
    several,
  ),
  new Option('--operation <name>', 'only this operation; may be given several times').argParser(several),
  new Option(
    '--profile <name>',
    'quick: seconds, for every push; deep: as long as it takes (default: default)',
  ).choices(['quick', 'default', 'deep']),
  new Option(
    '--caller <headers>',
    "credentials, 'Name: value'; a second one lets it try keys of another caller",
  ).argParser(several),
  new Option('--tenant <headers>', "credentials of a caller of another tenant than --caller's, 'Name: value'"),
  new Option(
    '--dependency <spec>',
    'name=PORT:HOST:PORT: listens on the first, passes on to the others, and breaks it',
  ).argParser(several),
  new Option('--database <url>', 'a Postgres to count effects in; it is only read'),
  new Option('--count <query>', 'operation=select count(*) … where … = $1, with the marker as $1').argParser(several),
  new Option('--transport <url>', 'the stream: messages are appended to it, and seen there'),
  new Option('--push [url]', 'pushes messages there instead (default: `events` in spandrel.yaml)'),
  new Option('--push-mode <mode>', 'how CloudEvents are pushed (default: binary)').choices(['binary', 'structured']),
  new Option('--start <command>', 'starts the service; it is started now, killed in the run, and started again'),
  new Option('--kill <command>', 'kills it, where --start returns: docker kill NAME (default: SIGKILL)'),
  new Option('--ready <url>', 'answers when the service can be used (default: --url)').argParser(several),
  new Option('--allow <host>', 'a host that is not this machine and may be attacked').argParser(several),
  new Option('--volatile <pointer>', 'a place of answers that may differ in a replay, as /servedAt').argParser(several),
  new Option('--seed <number>', 'places late copies where an earlier run did'),
  new Option('--repeat <finding>', 'only what led to this finding: orders.placeOrder/simultaneous'),
  new Option('--dry-run', 'what would be tested, and what would make the rest testable; sends nothing'),
  new Option('--judge <file>', 'judges a history again; sends nothing'),
  new Option('--history <file>', 'writes everything that was done and seen, one record a line'),
  new Option('--ledger <file>', 'plants keys for a later run, and notes them there'),
  new Option('--due', 'only sends the keys of --ledger again whose retention ends or has ended'),
  new Option('--html <file>', 'writes a page with a timeline of each counterexample'),
  new Option('--scripts <folder>', 'writes each counterexample as a shell script with curl'),
  new Option('--allow-inconclusive', 'exit 0 where nothing failed, even if not all could be told'),
  formatOption(),
]

export function callersOf(texts: readonly string[] = [], option = '--caller'): HeaderList[] {
  return texts.map((text) => {
    const at = text.indexOf(':')
    if (at > 0) return [[text.slice(0, at).trim(), text.slice(at + 1).trim()] as const]
    throw new CommandError(`\`${text}\` is no header`, {
      where: option,
      fix: `write ${option} 'Authorization: Bearer …'`,
    })
  })
}

export function tenantOf({ tenant }: Pick<VerifyCommandOptions, 'tenant'>): { tenant?: HeaderList } {
  return tenant === undefined ? {} : { tenant: callersOf([tenant], '--tenant')[0]! }
}

export function dependenciesOf(texts: readonly string[] = []): ProxyOptions[] {
  return texts.map((text) => {
    const [, name, port, host, far] = /^([\w-]+)=(\d+):(.+):(\d+)$/.exec(text) ?? []
    if (name !== undefined)
      return { name, listen: { host: '127.0.0.1', port: Number(port) }, target: { host: host!, port: Number(far) } }
    throw new CommandError(`\`${text}\` is no dependency`, {
      where: '--dependency',
      fix: 'write name=PORT:HOST:PORT, as card=7109:127.0.0.1:7009, and give the service the first port',
    })
  })
}

export function seedOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,10}$/.test(text)) return Number(text)
  throw new CommandError(`--seed ${text} is no number`, {
    where: '--seed',
    fix: 'the report of the earlier run names its seed',
  })
}

/** operation → query. */
export function countsOf({
  database,
  count = [],
  transport,
}: Pick<VerifyCommandOptions, 'database' | 'count' | 'transport'>): Map<string, string> {
  if (count.length > 0 && database === undefined) {
    throw new CommandError('there is a --count and no database to ask', { fix: '--database postgres://…' })
  }
  if (count.length === 0 && database !== undefined && transport === undefined) {
    throw new CommandError('there is a --database and nothing to ask it', {
      fix: "--count 'placeOrder=select count(*) from orders where reference = $1'",
    })
  }
  return new Map(
    count.map((text) => {
      const [, operation, query] = /^([^=\s]+)=(.+)$/s.exec(text) ?? []
      if (operation !== undefined && query?.includes('$1') === true) return [operation, query]
      throw new CommandError(`\`${text}\` does not say how to count`, {
        where: '--count',
        fix: "write operation=query, with the marker as $1: --count 'placeOrder=select count(*) from orders where reference = $1'",
      })
    }),
  )
}
