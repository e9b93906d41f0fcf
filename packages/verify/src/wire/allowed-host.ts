/**
 * Requests that create things go to this machine only, unless a host was named. A name is compared as it is written:
 * what it resolves to today says nothing about whose it is. Names that mean this machine by their end alone
 * (`localhost`, `….localhost`) are resolved, for not every resolver knows that they must (RFC 6761, 6.3).
 */
import { lookup } from 'node:dns/promises'
import { isIPv4 } from 'node:net'

/** addresses of a name; throws where it has none */
export type Resolve = (name: string) => Promise<readonly string[]>

export async function isAllowedHost(url: string, allowed: readonly string[] = [], resolve?: Resolve): Promise<boolean> {
  const { hostname, host } = new URL(url)
  if (allowed.some((one) => [hostname, host].map((name) => name.toLowerCase()).includes(one.toLowerCase()))) return true
  return await isLoopback(hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase(), resolve ?? addressesOf)
}

async function isLoopback(name: string, resolve: Resolve): Promise<boolean> {
  if (isLoopbackAddress(name)) return true
  if (!/(^|\.)localhost$/.test(name)) return false
  const addresses = await resolve(name).catch(() => [])
  return addresses.length > 0 && addresses.every(isLoopbackAddress)
}

function isLoopbackAddress(address: string): boolean {
  return address === '::1' || (isIPv4(address) && address.startsWith('127.'))
}

async function addressesOf(name: string): Promise<string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address)
}
