/**
 * W3C Trace Context, level 1, at both edges: a gateway in front of an echo, and a server that reads requests as services
 * on the runtime do. Each row is sent over a socket, header lines and all, to both.
 */
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { gateway, service } from '../packages/gateway/test/servers.ts'
import { system } from '../packages/gateway/test/system.ts'
import { requestContext } from '../packages/runtime/src/operations/request-context.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const PARENT = `traceparent: 00-${TRACE}-${SPAN}-01`

const continued = new RegExp(`^00-${TRACE}-(?!${SPAN}|0{16})[0-9a-f]{16}-01$`)
const unsampled = new RegExp(`^00-${TRACE}-(?!${SPAN}|0{16})[0-9a-f]{16}-00$`)
const fresh = new RegExp(`^00-(?!${TRACE}|0{32})[0-9a-f]{32}-(?!${SPAN}|0{16})[0-9a-f]{16}-01$`)

const list = (count: number, size = 3): string =>
  Array.from({ length: count }, (_, index) => `k${String(index).padStart(2, '0')}=${'v'.repeat(size)}`).join(',')

type Row = [what: string, lines: readonly string[], traceparent: RegExp, tracestate: string | undefined]

const ROWS: readonly Row[] = [
  // traceparent, valid
  ['valid', [PARENT], continued, undefined],
  ['valid, not sampled', [`traceparent: 00-${TRACE}-${SPAN}-00`], unsampled, undefined],
  ['unknown flags are not passed on', [`traceparent: 00-${TRACE}-${SPAN}-ff`], continued, undefined],
  ['a later version', [`traceparent: cc-${TRACE}-${SPAN}-01`], continued, undefined],
  ['a later version with more fields', [`traceparent: cc-${TRACE}-${SPAN}-01-what-the-future`], continued, undefined],
  ['the name in capitals', [`TraceParent: 00-${TRACE}-${SPAN}-01`, 'TraceState: a=1'], continued, 'a=1'],
  ['spaces around it', [`traceparent: \t 00-${TRACE}-${SPAN}-01 \t`], continued, undefined],
  // traceparent, invalid: a new trace, and no state of another one
  ['none', [], fresh, undefined],
  ['none, with state', ['tracestate: a=1'], fresh, undefined],
  ['empty', ['traceparent:', 'tracestate: a=1'], fresh, undefined],
  ['twice', [PARENT, PARENT, 'tracestate: a=1'], fresh, undefined],
  ['version ff', [`traceparent: ff-${TRACE}-${SPAN}-01`, 'tracestate: a=1'], fresh, undefined],
  ['version in capitals', [`traceparent: CC-${TRACE}-${SPAN}-01`], fresh, undefined],
  ['version of one digit', [`traceparent: 0-${TRACE}-${SPAN}-01`], fresh, undefined],
  ['version 00 with more fields', [`traceparent: 00-${TRACE}-${SPAN}-01-more`, 'tracestate: a=1'], fresh, undefined],
  ['version 00 with a dash at its end', [`traceparent: 00-${TRACE}-${SPAN}-01-`], fresh, undefined],
  ['a later version that runs on', [`traceparent: cc-${TRACE}-${SPAN}-01what`], fresh, undefined],
  ['trace id all zero', [`traceparent: 00-${'0'.repeat(32)}-${SPAN}-01`], fresh, undefined],
  ['trace id in capitals', [`traceparent: 00-${TRACE.toUpperCase()}-${SPAN}-01`], fresh, undefined],
  ['trace id with a wrong character', [`traceparent: 00-.${TRACE.slice(1)}-${SPAN}-01`], fresh, undefined],
  ['trace id too short', [`traceparent: 00-${TRACE.slice(1)}-${SPAN}-01`], fresh, undefined],
  ['trace id too long', [`traceparent: 00-${TRACE}0-${SPAN}-01`], fresh, undefined],
  ['parent id all zero', [`traceparent: 00-${TRACE}-${'0'.repeat(16)}-01`], fresh, undefined],
  ['parent id too short', [`traceparent: 00-${TRACE}-${SPAN.slice(1)}-01`], fresh, undefined],
  ['parent id too long', [`traceparent: 00-${TRACE}-${SPAN}0-01`], fresh, undefined],
  ['flags with a wrong character', [`traceparent: 00-${TRACE}-${SPAN}-.0`], fresh, undefined],
  ['flags too long', [`traceparent: 00-${TRACE}-${SPAN}-001`], fresh, undefined],
  ['no flags', [`traceparent: 00-${TRACE}-${SPAN}`], fresh, undefined],
  ['oversized', [`traceparent: 00-${TRACE}-${SPAN}-01${'0'.repeat(4000)}`, 'tracestate: a=1'], fresh, undefined],
  // tracestate, valid
  ['state', [PARENT, 'tracestate: foo=1,bar=2'], continued, 'foo=1,bar=2'],
  ['state in several headers', [PARENT, 'tracestate: foo=1', 'tracestate: bar=2'], continued, 'foo=1,bar=2'],
  ['state with spaces', [PARENT, 'tracestate: foo=1 \t , \t bar=2'], continued, 'foo=1,bar=2'],
  ['a space inside a value', [PARENT, 'tracestate: foo=a b,bar= c'], continued, 'foo=a b,bar= c'],
  ['an empty header', [PARENT, 'tracestate:'], continued, undefined],
  ['empty members', [PARENT, 'tracestate: foo=1,,bar=2,'], continued, 'foo=1,bar=2'],
  ['every character of a key', [PARENT, 'tracestate: a-b*c/d_0@v-_*/0=1'], continued, 'a-b*c/d_0@v-_*/0=1'],
  ['a tenant that begins with a digit', [PARENT, 'tracestate: 0t@v=1'], continued, '0t@v=1'],
  ['the longest key', [PARENT, `tracestate: ${'k'.repeat(256)}=1`], continued, `${'k'.repeat(256)}=1`],
  ['the longest value', [PARENT, `tracestate: a=${'v'.repeat(256)}`], continued, `a=${'v'.repeat(256)}`],
  ['32 members', [PARENT, `tracestate: ${list(32)}`], continued, list(32)],
  [
    '512 characters',
    [PARENT, `tracestate: a=${'v'.repeat(255)},b=${'v'.repeat(252)}`],
    continued,
    `a=${'v'.repeat(255)},b=${'v'.repeat(252)}`,
  ],
  // tracestate, invalid: void, and the trace goes on
  ['33 members', [PARENT, `tracestate: ${list(33)}`], continued, undefined],
  ['a key in capitals', [PARENT, 'tracestate: FOO=1'], continued, undefined],
  ['a key with a space', [PARENT, 'tracestate: foo =1'], continued, undefined],
  ['a key with a dot', [PARENT, 'tracestate: foo.bar=1'], continued, undefined],
  ['a key with two vendors', [PARENT, 'tracestate: foo@bar@baz=1,bar=2'], continued, undefined],
  ['a key without a tenant', [PARENT, 'tracestate: @foo=1,bar=2'], continued, undefined],
  ['a key that is too long', [PARENT, `tracestate: ${'k'.repeat(257)}=1`], continued, undefined],
  ['a vendor that is too long', [PARENT, `tracestate: t@${'v'.repeat(15)}=1`], continued, undefined],
  ['a value with an equals sign', [PARENT, 'tracestate: foo=bar=baz'], continued, undefined],
  ['no value', [PARENT, 'tracestate: foo=,bar=3'], continued, undefined],
  ['a value that is too long', [PARENT, `tracestate: a=${'v'.repeat(257)}`], continued, undefined],
  ['a member without a value', [PARENT, 'tracestate: foo'], continued, undefined],
  // tracestate, oversized: whole members go, large ones first, then from the end
  [
    'large members go first',
    [PARENT, `tracestate: a=1,b=${'v'.repeat(200)},${list(20, 20)}`],
    continued,
    `a=1,${list(20, 20)}`,
  ],
  [
    'no more of them than must',
    [PARENT, `tracestate: b=${'v'.repeat(200)},c=${'v'.repeat(200)},${list(10, 8)}`],
    continued,
    `b=${'v'.repeat(200)},${list(10, 8)}`,
  ],
  ['then the last ones', [PARENT, `tracestate: ${list(30, 20)}`], continued, list(20, 20)],
]

/** The answer of a server to these header lines, which repeats the trace context that it found or made. */
async function asked(port: number, lines: readonly string[]): Promise<{ traceparent: string; tracestate?: string }> {
  const socket = connect(port, '127.0.0.1')
  const all = ['GET /x HTTP/1.1', 'host: h', 'connection: close', ...lines]
  socket.write(`${all.join('\r\n')}\r\n\r\n`)
  let text = ''
  for await (const chunk of socket.setEncoding('utf8')) text += chunk as string
  return JSON.parse(/\{.*\}/.exec(text)?.[0] ?? text) as { traceparent: string; tracestate?: string }
}

async function throughGateway(): Promise<number> {
  const echo = await service(({ headers }, response) => {
    const { traceparent, tracestate } = headers
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ traceparent, tracestate }))
  })
  const { port } = await gateway({
    system: system({ one: { url: echo.url, operations: { op: { method: 'GET', path: '/x' } } } }),
  })
  return port
}

async function atService(): Promise<number> {
  const server = createServer(({ headers }, response) => {
    const { traceparent, tracestate } = requestContext(headers, 0, 1000)
    response.end(JSON.stringify({ traceparent, tracestate }))
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

test.each([
  ['gateway', throughGateway],
  ['service', atService],
])(`trace context at the %s: ${ROWS.length} rows`, async (_edge, start) => {
  const port = await start()
  const found = await Promise.all(ROWS.map(async ([what, lines]) => ({ what, ...(await asked(port, lines)) })))
  const wrong = ROWS.flatMap(([what, , traceparent, tracestate], index) => {
    const one = found[index] ?? { what, traceparent: '' }
    const fine = traceparent.test(one.traceparent) && ('tracestate' in one ? one.tracestate : undefined) === tracestate
    return fine ? [] : [{ wanted: tracestate, ...one }]
  })
  expect(wrong).toEqual([])
  expect(found.length).toBeGreaterThan(50)
})
