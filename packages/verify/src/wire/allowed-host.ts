/**
 * Requests that create things go to this machine only, unless a host was named. A name is compared as it is written:
 * what it resolves to today says nothing about whose it is.
 */
export function isAllowedHost(url: string, allowed: readonly string[] = []): boolean {
  const { hostname, host } = new URL(url)
  return isLoopback(hostname) || allowed.some((one) => [hostname, host].includes(one.toLowerCase()))
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  )
}
