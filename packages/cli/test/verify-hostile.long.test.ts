/** Targets, databases, files and commands that do not do what `verify` hopes: a sentence and a fix, in time, and nothing left. */
import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, request as httpRequest, type Server as HttpServer } from 'node:http'
import { createServer as createSecure } from 'node:https'
import { type AddressInfo, createServer as createPlain, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort } from '../src/embedded/index.ts'
import { type Ran, spandrel, startSpandrel } from './spandrel.ts'

vi.setConfig({ testTimeout: 120_000 })

let folder: string
const open: (Server | HttpServer)[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spandrel-hostile-'))
  await cp(fileURLToPath(new URL('../../../docs/samples/verify', import.meta.url)), folder, { recursive: true })
})
afterAll(() => rm(folder, { recursive: true, force: true }))
afterEach(() => {
  for (const server of open.splice(0)) {
    server.close()
    if ('closeAllConnections' in server) server.closeAllConnections()
  }
})

async function listening(server: Server | HttpServer): Promise<number> {
  open.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** What asks it for anything is counted. */
async function counting(): Promise<{ url: string; asked: () => number }> {
  let asked = 0
  const port = await listening(
    createServer((_request, response) => {
      asked++
      response.writeHead(404).end()
    }),
  )
  return { url: `http://127.0.0.1:${port}`, asked: () => asked }
}

const verify = (args: readonly string[], env: Record<string, string> = {}): Promise<Ran> =>
  spandrel(['verify', 'orders.openapi.yaml', '--profile', 'quick', ...args], { cwd: folder, env })

const isThere = (url: string): Promise<boolean> =>
  fetch(url).then(
    () => true,
    () => false,
  )

function refused({ code, stderr }: Ran, what: string, fix: string): void {
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(what) })
  expect(stderr).toContain(fix)
  expect(stderr).not.toMatch(/^\s+at .+:\d+:\d+/m)
}

describe('before anything is sent', () => {
  test.skipIf(spawnSync('openssl', ['version']).status !== 0)('a certificate that nobody trusts', async () => {
    const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
        ...files,
        ...subject,
      ],
      { stdio: 'ignore' },
    )
    let asked = 0
    const keys = { key: await readFile(join(folder, 'key.pem')), cert: await readFile(join(folder, 'cert.pem')) }
    const port = await listening(
      createSecure(keys, (_request, response) => {
        asked++
        response.writeHead(404).end()
      }),
    )
    const url = `https://127.0.0.1:${port}`
    refused(await verify(['--url', url]), 'is not trusted: self-signed certificate', 'NODE_EXTRA_CA_CERTS=ca.pem')
    const twice = await spandrel(['twice', '--url', url, '--data', '{}'], { cwd: folder })
    expect(twice.stdout + twice.stderr).toContain('NODE_EXTRA_CA_CERTS=ca.pem names who signed it')
    expect(asked).toBe(0)
    const trusted = await verify(['--url', url], { NODE_EXTRA_CA_CERTS: join(folder, 'cert.pem') })
    expect(trusted.code).toBe(3)
    expect(asked).toBeGreaterThan(0)
  })

  test('a database that is not there', async () => {
    const { url, asked } = await counting()
    const args = [
      '--database',
      'postgres://127.0.0.1:1/orders',
      '--count',
      'placeOrder=select count(*) from o where r = $1',
    ]
    refused(
      await verify(['--url', url, ...args]),
      'the database cannot be read: connect ECONNREFUSED',
      'postgres://user@host',
    )
    expect(asked()).toBe(0)
  })

  test('a history that cannot be written', async () => {
    const { url, asked } = await counting()
    refused(
      await verify(['--url', url, '--history', 'nowhere/run.jsonl']),
      'the history cannot be written',
      'name a file in a folder',
    )
    expect(asked()).toBe(0)
  })

  test('a port that is in use', async () => {
    const { url, asked } = await counting()
    const { port } = new URL(url)
    refused(
      await verify(['--url', url, '--dependency', `card=${port}:127.0.0.1:1`]),
      `port ${port} is in use`,
      'name=PORT:HOST:PORT',
    )
    expect(asked()).toBe(0)
  })

  test('a command that fails at once', async () => {
    const url = 'http://127.0.0.1:1'
    const began = performance.now()
    refused(
      await verify(['--url', url, '--start', 'echo no such image >&2; exit 125']),
      'the command of --start ended with 125: no such image',
      'start it by hand',
    )
    expect(performance.now() - began).toBeLessThan(15_000)
  })
})

describe('answers', () => {
  const answering = (write: (socket: Socket) => void) =>
    createPlain((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => write(socket))
    })

  test.each([
    ['garbage', (socket: Socket) => socket.end('\u0001\u0002garbage\r\n\r\n'), 'Parse Error'],
    [
      'half of one, and silence',
      (socket: Socket) => socket.write('HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\nhalf'),
      'no answer within',
    ],
    [
      'nothing but a closed connection',
      (socket: Socket) => socket.destroy(),
      'the connection was reset|socket hang up|closed',
    ],
    ['errors', (socket: Socket) => socket.end('HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n'), '500'],
    [
      'one without an end',
      (socket: Socket) => {
        socket.write('HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n\r\n')
        const chunk = Buffer.alloc(1 << 20, 'x')
        const more = (): void => {
          while (!socket.destroyed && socket.write(chunk));
          if (!socket.destroyed) socket.once('drain', more)
        }
        more()
      },
      'the answer is longer than 16 MB',
    ],
  ] as const)('%s: said once, in time', async (_, write, why) => {
    const port = await listening(answering(write))
    const began = performance.now()
    const { code, stdout, stderr } = await verify(['--url', `http://127.0.0.1:${port}`])
    expect({ code, stdout }).toEqual({ code: 3, stdout: expect.stringMatching(new RegExp(why)) })
    expect(stderr).toBe('')
    expect(performance.now() - began).toBeLessThan(15_000)
    const twice = await spandrel(['twice', '--url', `http://127.0.0.1:${port}`, '--data', '{}', '--timeout', '1'], {
      cwd: folder,
    })
    expect(twice.stdout + twice.stderr).not.toMatch(/^\s+at .+:\d+:\d+/m)
  })

  test('a base URL with a path', async () => {
    const inner = await freePort()
    const port = await listening(
      createServer((request, response) => {
        if (request.url?.startsWith('/shop/v1/orders') !== true) return response.writeHead(404).end()
        const path = request.url.slice('/shop/v1'.length)
        const on = httpRequest(
          { host: '127.0.0.1', port: inner, path, method: request.method, headers: request.headers },
          (answer) => answer.pipe(response.writeHead(answer.statusCode ?? 502, answer.headers)),
        )
        on.once('error', () => response.destroy())
        return request.pipe(on)
      }),
    )
    const start = `PORT=${inner} exec ${process.execPath} orders-mended.mjs`
    const ready = `http://127.0.0.1:${inner}/orders`
    const { code, stdout } = await verify([
      '--url',
      `http://127.0.0.1:${port}/shop/v1/`,
      '--start',
      start,
      '--ready',
      ready,
      '--repeat',
      'placeOrder/sequential',
    ])
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('1 of 1 checks') })
  })

  test('ten thousand operations: planned within memory, and in time', async () => {
    const operation = (n: number) => ({
      operationId: `make${n}`,
      'x-guarantees': { idempotency: { key: '$request.header.Idempotency-Key', scope: 'global', retention: 'P1D' } },
      'x-probe': { marker: '$request.body#/reference', example: { reference: 'a' } },
      requestBody: { content: { 'application/json': { schema: { type: 'object' } } } },
      responses: { 201: { description: 'made' } },
    })
    const paths = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`/things/${n}`, { post: operation(n) }]))
    await writeFile(
      join(folder, 'large.openapi.json'),
      JSON.stringify({ openapi: '3.1.0', info: { title: 'Large', version: '1.0.0' }, paths }),
    )
    const began = performance.now()
    const { code, stdout } = await spandrel(['verify', 'large.openapi.json', '--dry-run', '--json'], {
      cwd: folder,
      env: { NODE_OPTIONS: '--max-old-space-size=1024' },
    })
    expect(code).toBe(0)
    expect(JSON.parse(stdout).plan).toHaveLength(10_000)
    expect(performance.now() - began).toBeLessThan(60_000)
  })
})

describe('commands that kill and start', () => {
  /** A service that runs elsewhere, as a container does: `--start` returns at once. */
  const elsewhere = async () => {
    const port = await freePort()
    const name = join(folder, `pid-${port}`)
    const start = `PORT=${port} setsid ${process.execPath} orders-mended.mjs > /dev/null 2>&1 < /dev/null & echo $! > ${name}`
    return { url: `http://127.0.0.1:${port}`, start, pid: name }
  }

  test('one that returns at once, and a kill that takes its time: nothing is left running', async () => {
    const { url, start, pid } = await elsewhere()
    const kill = `sleep 1; kill -9 $(cat ${pid})`
    const { code, stdout } = await verify([
      '--url',
      url,
      '--start',
      start,
      '--kill',
      kill,
      '--repeat',
      'placeOrder/crash',
      '--json',
    ])
    // This one keeps its orders in memory.
    expect(code).toBe(3)
    expect(stdout).toContain('was gone when the service had been killed: are its effects in memory?')
    const { results } = JSON.parse(stdout) as { results: { untested: { check: string }[] }[] }
    expect(results.flatMap(({ untested }) => untested).map(({ check }) => check)).not.toContain('crash')
    expect(await isThere(url)).toBe(false)
  })

  test('a kill that hangs', async () => {
    const { url, start, pid } = await elsewhere()
    try {
      const ran = await verify(['--url', url, '--start', start, '--kill', 'sleep 300', '--repeat', 'placeOrder/crash'])
      expect(ran.code).toBe(2)
      refused(ran, '`sleep 300` did not end within 30 s', 'docker kill NAME')
    } finally {
      process.kill(Number(await readFile(pid, 'utf8')), 'SIGKILL')
    }
  })

  test.each([
    ['waiting for it to be ready', 'exec sleep 300', 'http://127.0.0.1:1', 0],
    ['under attack', undefined, undefined, 40],
  ])('Ctrl-C while %s: it ends at once, and what it started is gone', async (_, command, ready, records) => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const start = command ?? `PORT=${port} exec ${process.execPath} orders-mended.mjs`
    const history = join(folder, `${port}.jsonl`)
    const args = [
      'verify',
      'orders.openapi.yaml',
      '--url',
      url,
      '--start',
      `echo $$ > ${history}.pid; ${start}`,
      '--profile',
      'deep',
    ]
    const { child, done } = startSpandrel(
      [...args, '--history', history, ...(ready === undefined ? [] : ['--ready', ready])],
      { cwd: folder },
    )
    const read = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '')
    const pid = async (): Promise<number> => Number(await read(`${history}.pid`))
    await expect.poll(pid, { timeout: 30_000 }).toBeGreaterThan(0)
    await expect
      .poll(async () => (await read(history)).split('\n').length, { timeout: 60_000 })
      .toBeGreaterThan(records)
    const began = performance.now()
    child.kill('SIGINT')
    const ran = await done
    refused(ran, 'it was stopped before it was done', 'see what it had found')
    expect(performance.now() - began).toBeLessThan(10_000)
    const started = await pid()
    expect(() => process.kill(started, 0)).toThrow('ESRCH')
  })
})
