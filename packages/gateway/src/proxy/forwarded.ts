import { BlockList, isIP } from 'node:net'
import { SpandrelError } from '@spandrel/runtime'
import type { RequestHead } from './request-head.ts'

/** Addresses and CIDR blocks whose word is believed. */
export class TrustedAddresses {
  readonly #list = new BlockList()
  readonly isEmpty: boolean

  constructor(entries: readonly string[]) {
    this.isEmpty = entries.length === 0
    for (const entry of entries) {
      const [address = '', prefix] = entry.split('/')
      const family = isIP(address)
      const bits = prefix === undefined ? undefined : Number(prefix)
      const widest = family === 4 ? 32 : 128
      if (family === 0 || (bits !== undefined && !(Number.isInteger(bits) && bits >= 0 && bits <= widest))) {
        throw new SpandrelError('wrong-configuration', `"${entry}" is neither an IP address nor a CIDR block`, {
          hint: 'write 10.0.0.7, 10.0.0.0/8, ::1 or fd00::/8',
        })
      }
      const type = family === 4 ? 'ipv4' : 'ipv6'
      if (bits === undefined) this.#list.addAddress(address, type)
      else this.#list.addSubnet(address, bits, type)
    }
  }

  has(address: string): boolean {
    if (this.isEmpty) return false
    return this.#list.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
  }
}

/** The peer's address; an IPv4 address stays one on a dual-stack socket. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown'
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

/**
 * Appends `forwarded` (RFC 7239) and its older twins. What the peer says about earlier hops is passed on only where
 * the peer is a trusted proxy; from anyone else it is replaced.
 */
export function addForwarded(head: RequestHead, peer: string, trusted: boolean, secure: boolean): void {
  const { forward, host } = head
  const node = peer.includes(':') ? `"[${peer}]"` : peer
  const proto = secure ? 'https' : 'http'
  const element = host === undefined ? `for=${node};proto=${proto}` : `for=${node};host="${host}";proto=${proto}`
  const before = trusted ? head : none
  forward.push(
    'forwarded',
    before.forwarded === undefined ? element : `${before.forwarded}, ${element}`,
    'x-forwarded-for',
    before.forwardedFor === undefined ? peer : `${before.forwardedFor}, ${peer}`,
    'x-forwarded-proto',
    before.forwardedProto ?? proto,
  )
  const original = before.forwardedHost ?? host
  if (original !== undefined) forward.push('x-forwarded-host', original)
}

const none: Pick<RequestHead, 'forwarded' | 'forwardedFor' | 'forwardedHost' | 'forwardedProto'> = {
  forwarded: undefined,
  forwardedFor: undefined,
  forwardedHost: undefined,
  forwardedProto: undefined,
}
