/**
 * Which partition of a channel a message goes to: FNV-1a (32 bit) over the UTF-8 bytes of its ordering key, modulo
 * the channel's partition count. Both are fixed for the life of a channel; every producer computes the same.
 */
export function partitionOf(key: string, partitions: number): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < key.length; at++) {
    const unit = key.charCodeAt(at)
    // Keys are nearly always ASCII; the first other character sends the whole key through the encoder.
    if (unit > 0x7f) return bytes(Buffer.from(key, 'utf8'), partitions)
    hash = Math.imul(hash ^ unit, 0x01000193)
  }
  return (hash >>> 0) % partitions
}

function bytes(buffer: Buffer, partitions: number): number {
  let hash = 0x811c9dc5
  for (const byte of buffer) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0) % partitions
}
