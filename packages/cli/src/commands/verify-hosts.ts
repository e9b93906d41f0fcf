/** `verify` creates, repeats and breaks things: on this machine only, unless another was named with --allow. */
import type { ProxyOptions } from '@spandrel/verify'
import pg from 'pg'
import { CommandError } from '../output/command-error.ts'

interface Judge {
  isAllowedHost: (url: string, allowed?: readonly string[]) => Promise<boolean>
}

/** Throws where a URL cannot be read, or names a host that was not allowed. */
export async function hostIsAllowed(
  { isAllowedHost }: Judge,
  url: string,
  allow: readonly string[] | undefined,
  option: string,
  example: string,
): Promise<void> {
  if (!URL.canParse(url))
    throw new CommandError(`${option} is no URL`, { where: option, fix: `write ${option} ${example}` })
  const { username, password, protocol } = new URL(url)
  if (/^https?:$/.test(protocol) && username + password !== '') {
    throw new CommandError('a URL with a user or a password stays in histories and reports', {
      where: option,
      fix: "give the URL without them, and --caller 'Authorization: Basic …'",
    })
  }
  if (await isAllowedHost(url, allow)) return
  const { host, hostname } = new URL(url)
  throw new CommandError(`${host} is not on this machine, and this creates, repeats and breaks things`, {
    where: option,
    fix: `if it is yours and meant for tests: --allow ${hostname}`,
  })
}

/** The same of a database: the host that pg will use, which is not always the one before the path (`?host=`). */
export async function databaseIsAllowed(
  judge: Judge,
  url: string,
  allow: readonly string[] | undefined,
  option: string,
): Promise<void> {
  for (const host of databaseHosts(url, option)) {
    // A path: a socket of this machine.
    if (!host.startsWith('/')) await hostIsAllowed(judge, addressed(host), allow, option, 'postgres://…')
  }
}

export async function dependencyIsAllowed(
  judge: Judge,
  { name, target }: ProxyOptions,
  allow: readonly string[] | undefined,
): Promise<void> {
  const url = addressed(target.host, target.port)
  await hostIsAllowed(judge, url, allow, `--dependency ${name}`, 'name=PORT:HOST:PORT')
}

function databaseHosts(url: string, option: string): string[] {
  try {
    const { host } = new pg.Client({ connectionString: url })
    // pg does not know `hostaddr` and lists of hosts; other drivers do, and so must nobody be able to mean them.
    const addresses = [...url.matchAll(/[?&]hostaddr=([^&#]*)/gi)].map(([, value]) => decodeURIComponent(value!))
    return [host, ...addresses].flatMap((one) => one.split(','))
  } catch (error) {
    throw new CommandError(`${option} is no URL of a database: ${(error as Error).message}`, {
      where: option,
      fix: `write ${option} postgres://user@127.0.0.1:5432/database`,
      cause: error,
    })
  }
}

function addressed(host: string, port?: number): string {
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  return `tcp://${name}${port === undefined ? '' : `:${port}`}`
}
