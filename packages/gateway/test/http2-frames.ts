/** HTTP/2 as bytes, for what no client library sends (RFC 9113). */

export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A connection's first bytes, HEADERS with literal fields (RFC 7541, 6.2.2), and a DATA frame; `whole` false: more is to come. */
export function frames(fields: [string, string][], body?: string, whole = true): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value, 'latin1')
    return Buffer.concat([Buffer.from([bytes.length]), bytes])
  }
  const block = Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]))
  return Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    frame(4, 0, 0, Buffer.alloc(0)),
    frame(1, body === undefined ? 5 : 4, 1, block),
    ...(body === undefined ? [] : [frame(0, whole ? 1 : 0, 1, Buffer.from(body))]),
  ])
}
