import { connect } from 'node:tls'

/** Why the certificate of an `https:` URL is not trusted; undefined where it is, and where nobody answers. Sends no request. */
export async function distrust(url: string, limitMs = 5000): Promise<string | undefined> {
  const { protocol, hostname, port } = new URL(url)
  if (protocol !== 'https:') return undefined
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const socket = connect({ host, port: Number(port || 443), servername: host, timeout: limitMs })
  socket.once('secureConnect', () => resolve(undefined))
  socket.once('timeout', () => resolve(undefined))
  socket.once('error', (error: NodeJS.ErrnoException) => resolve(isDistrust(error) ? error.message : undefined))
  try {
    return await promise
  } finally {
    socket.destroy()
  }
}

/** OpenSSL's verification errors, and the one of Node for a certificate of another host. */
export function isDistrust({ code = '' }: NodeJS.ErrnoException): boolean {
  return /CERT|SIGNED|VERIFY|ALTNAME/.test(code)
}
