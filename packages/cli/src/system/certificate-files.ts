/** Files that a connection string names: the driver reads them for each connection, and no waiting brings one back. */
import { readFileSync } from 'node:fs'
import { CommandError } from '../output/command-error.ts'
import type { FoundDatabase } from './database-url.ts'

const parameters = ['sslrootcert', 'sslcert', 'sslkey'] as const

/** Throws with the file where one of them cannot be read. */
export function refuseUnreadableCertificates({ service, url, from }: FoundDatabase): void {
  const { searchParams } = new URL(url)
  for (const parameter of parameters) {
    const file = searchParams.get(parameter)
    if (file === null || file === '') continue
    try {
      readFileSync(file)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new CommandError(`the ${parameter} of the database of ${service} cannot be read: ${why}`, {
        where: file,
        fix: `put the file there, readable for whoever runs this, or correct \`${parameter}\` in ${from}`,
        cause,
      })
    }
  }
}
