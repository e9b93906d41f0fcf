import { randomHex } from './random-hex.ts'

/** A UUID of version 7 (RFC 9562): ids that grow with time keep the receivers' indexes small. */
export function newMessageId(): string {
  const time = Date.now().toString(16).padStart(12, '0')
  const random = randomHex(10)
  const variant = '89ab'[Number.parseInt(random[3] as string, 16) & 3]
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`
}
