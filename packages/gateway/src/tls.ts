import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createSecureContext, rootCertificates } from 'node:tls'
import { type GatewayOptions, wrong } from './options.ts'

/** PEM, as it stands in the files. */
export interface Certificate {
  readonly cert: Buffer
  readonly key: Buffer
}

/** What the gateway shows its clients; undefined: it speaks plain HTTP. Throws where the two files do not belong together. */
export function certificateOf({ system, tls }: Pick<GatewayOptions, 'system' | 'tls'>): Certificate | undefined {
  const declared = system.gateway?.tls
  const files =
    tls ?? (declared && { cert: resolve(system.dir, declared.cert), key: resolve(system.dir, declared.key) })
  if (files === undefined) return undefined
  const certificate = { cert: read(files.cert, 'certificate'), key: read(files.key, 'key of the certificate') }
  try {
    createSecureContext(certificate)
  } catch (cause) {
    throw wrong(
      `${files.cert} and ${files.key} are no certificate and its key: ${(cause as Error).message}`,
      'both are PEM; the certificate comes first in its file, those that signed it after it',
      cause,
    )
  }
  return certificate
}

/** Who may have signed the certificates of services: the usual authorities, and one's own. undefined: the usual ones. */
export function authoritiesOf({ system, upstream }: Pick<GatewayOptions, 'system' | 'upstream'>): string[] | undefined {
  const declared = system.gateway?.upstream?.ca
  const file = upstream?.ca ?? (declared && resolve(system.dir, declared))
  return file === undefined ? undefined : [...rootCertificates, read(file, 'authority of the services').toString()]
}

function read(file: string, what: string): Buffer {
  try {
    return readFileSync(file)
  } catch (cause) {
    throw wrong(`the ${what} cannot be read: ${(cause as Error).message}`, `is ${file} there, and readable?`, cause)
  }
}
