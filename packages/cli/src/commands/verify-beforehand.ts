/** What `verify` looks at before it sends anything: what cannot work is refused with a fix, not found out half-way. */
import { writeFileSync } from 'node:fs'
import type { FaultProxy, ProxyOptions } from '@spandrel/verify'
import { CommandError } from '../output/command-error.ts'
import type { VerifyCommandOptions } from './verify-options.ts'

type Verify = typeof import('@spandrel/verify')

export async function certificatesAreTrusted(package_: Verify, urls: readonly string[]): Promise<void> {
  for (const url of urls) {
    const why = await package_.distrust(url)
    if (why === undefined) continue
    throw new CommandError(`the certificate of ${new URL(url).host} is not trusted: ${why}`, {
      where: '--url',
      fix: 'name the authority that signed it, or the certificate itself: NODE_EXTRA_CA_CERTS=ca.pem spandrel verify …',
    })
  }
}

export function historyCanBeWritten({ history }: Pick<VerifyCommandOptions, 'history'>): void {
  if (history === undefined) return
  try {
    // Bodies and answers may be nobody else's to read.
    writeFileSync(history, '', { mode: 0o600 })
  } catch (error) {
    throw new CommandError(`the history cannot be written: ${(error as Error).message}`, {
      where: '--history',
      fix: 'name a file in a folder that is there and can be written',
      cause: error,
    })
  }
}

export async function startProxy(package_: Verify, one: ProxyOptions): Promise<FaultProxy> {
  try {
    return await package_.FaultProxy.start(one)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const { port } = one.listen
    throw new CommandError(
      code === 'EADDRINUSE' ? `port ${port} is in use: ${one.name} cannot be listened for there` : message,
      {
        where: `--dependency ${one.name}`,
        fix: 'the first port is one of your choice that is free: name=PORT:HOST:PORT. The service must call that one',
        cause: error,
      },
    )
  }
}

/** Whatever it is doing: Ctrl-C does not wait for it. */
export async function orStopped<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const stopped = Promise.withResolvers<never>()
  const stop = (): void => stopped.reject(signal.reason as Error)
  signal.addEventListener('abort', stop)
  work.catch(() => {})
  try {
    signal.throwIfAborted()
    return await Promise.race([work, stopped.promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
