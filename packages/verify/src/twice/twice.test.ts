/** Real servers, correct and defective, each with the sentence `twice` must say about it. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { RequestUnclear } from './curl.ts'
import { twice, type TwiceOptions, type TwiceReport } from './twice.ts'

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
  }
})

interface Asked {
  key: string | undefined
  body: string
  request: IncomingMessage
  response: ServerResponse
}

/** Serves; `answer` gives status and body. */
async function serve(answer: (asked: Asked) => Promise<[status: number, body?: unknown]>): Promise<string> {
  const server = createServer((request, response) => {
    void (async () => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      const key = request.headers['idempotency-key'] as string | undefined
      const [status, value] = await answer({ key, body, request, response })
      if (response.destroyed) return
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(value === undefined ? undefined : JSON.stringify(value))
    })()
  }).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/orders`
}

async function ask(url: string, options: TwiceOptions = {}, body = '{"sku":"tea","quantity":1}'): Promise<TwiceReport> {
  return await twice({ method: 'POST', url, headers: [['Content-Type', 'application/json']], body }, options)
}

const readings = (trials: TwiceReport['withKey']): string[] => trials.map(({ reading }) => reading)

/** Correct: claims the key before it works, keeps a fingerprint, lets a second copy wait. */
function correct(work = 10): (asked: Asked) => Promise<[number, unknown?]> {
  let orders = 0
  const known = new Map<string, { body: string; answer: Promise<unknown> }>()
  const place = async (): Promise<unknown> => {
    await pause(work)
    return { orderId: `ord_${++orders}` }
  }
  return async ({ key, body }) => {
    if (key === undefined) return [201, await place()]
    const before = known.get(key)
    if (before !== undefined && before.body !== body) return [422, { title: 'this key had another body' }]
    const answer = before?.answer ?? place()
    known.set(key, { body, answer })
    return [201, await answer]
  }
}

describe('twice', () => {
  test('a line of a browser asks for packed answers: they come plain, and two orders are seen', async () => {
    let orders = 0
    const url = await serve(async ({ request, response }) => {
      orders += 1
      const packed = /gzip/.test(request.headers['accept-encoding'] ?? '')
      if (packed) response.setHeader('content-encoding', 'gzip')
      return [201, packed ? gzipSync(`{"orderId":"o${orders}"}`).toString('latin1') : { orderId: `o${orders}` }]
    })
    const headers = [['Accept-Encoding', 'gzip, deflate, br, zstd']] as const
    const report = await twice({ method: 'POST', url, headers, body: '{"quantity":1}' })
    expect(report.verdict).toBe('unsafe')
    expect(orders).toBe(10)
  })

  test('credentials are sent, and not told again: neither the URL nor an answer nor a cookie has them', async () => {
    let seen = ''
    const url = await serve(async ({ request, response }) => {
      seen = String(request.headers.authorization) + String(request.url)
      response.setHeader('set-cookie', 'sid=SECRET-session; Path=/')
      return [201, { you: request.headers.authorization, url: request.url, order: 'the same' }]
    })
    const headers = [['Authorization', 'Bearer SECRET-token']] as const
    const report = await twice({ method: 'POST', url: `${url}?api_key=SECRET-key`, headers, body: 'a=1' })
    expect(seen).toContain('SECRET-token')
    expect(seen).toContain('SECRET-key')
    expect(JSON.stringify(report)).not.toContain('SECRET')
    expect(JSON.stringify(report)).toContain('{{AUTHORIZATION}}')
    expect(report.request.url).toContain('?api_key={{QUERY_API_KEY}}')
  })

  test('a correct server: safe with a key, and a retry without one makes a second order', async () => {
    const report = await ask(await serve(correct()))
    expect(report.verdict).toBe('safe')
    expect(report.sent).toBe(10)
    expect(readings(report.withoutKey)).toEqual(['doubled', 'doubled'])
    expect(readings(report.withKey)).toEqual(['once', 'once', 'once'])
    expect(report.conclusion.slice(0, 2)).toEqual([
      'A retry here creates a second order.',
      'With an Idempotency-Key header, no answer told of a second order.',
    ])
    expect(report.conclusion.at(-1)).toMatch(/^Judged from answers alone/)
    // The overlap happened: without this the middle trial would have said nothing.
    expect(report.withKey[1]?.trial.overlapped).toBe(true)
  })

  test('the key is ignored: the same with it', async () => {
    let orders = 0
    const report = await ask(await serve(async () => [201, { orderId: `ord_${++orders}` }]))
    expect(report.verdict).toBe('unsafe')
    expect(readings(report.withKey)).toEqual(['doubled', 'doubled', 'doubled'])
    expect(report.withKey[0]?.words).toBe('Two orders came back: ord_5 and ord_6.')
    expect(report.conclusion[1]).toBe('With an Idempotency-Key header: the same.')
  })

  test('check, then act: only the two at once make two', async () => {
    let orders = 0
    const answers = new Map<string, unknown>()
    const url = await serve(async ({ key = '' }) => {
      if (answers.has(key)) return [201, answers.get(key)]
      await pause(10)
      const answer = { orderId: `ord_${++orders}` }
      if (key !== '') answers.set(key, answer)
      return [201, answer]
    })
    const report = await ask(url)
    expect(report.verdict).toBe('unsafe')
    expect(readings(report.withKey)).toEqual(['once', 'doubled', 'ignored'])
    expect(report.conclusion[1]).toContain('two copies at once create two orders')
    expect(report.conclusion[2]).toContain('without a word about the change')
  })

  test('another thing behind the same key: a changed body is run as new', async () => {
    const first = correct()
    const url = await serve((asked) => first({ ...asked, key: asked.key && asked.key + asked.body }))
    const report = await ask(url)
    expect(readings(report.withKey)).toEqual(['once', 'once', 'doubled'])
    expect(report.conclusion[2]).toContain('is run as a new request')
  })

  test('a copy that is refused while the first runs (409) is once', async () => {
    const running = new Set<string>()
    const done = new Map<string, unknown>()
    let orders = 0
    const url = await serve(async ({ key = String(Math.random()), body }) => {
      const id = key + body
      if (done.has(id)) return [201, done.get(id)]
      if (running.has(key)) return [409]
      running.add(key)
      await pause(20)
      done.set(id, { id: ++orders })
      return [201, done.get(id)]
    })
    const report = await ask(url)
    expect(report.withKey[1]?.words).toBe('One was refused while the other ran (409).')
    expect(report.withKey[2]?.words).toBe('The changed one was refused (409).')
    expect(report.verdict).toBe('safe')
  })

  test('without a key it is refused: the keys are still tried', async () => {
    const keyed = correct()
    const url = await serve((asked) => (asked.key === undefined ? Promise.resolve([400]) : keyed(asked)))
    const report = await ask(url)
    expect(readings(report.withoutKey)).toEqual(['failed'])
    expect(report.verdict).toBe('safe')
    expect(report.conclusion[0]).toBe('Without the Idempotency-Key header, requests are refused.')
  })

  test('answers that say nothing, or differ in times only, tell nothing', async () => {
    const blank = await ask(await serve(async () => [204]))
    expect(blank.verdict).toBe('unclear')
    expect(readings(blank.withKey)).toEqual(['unclear', 'unclear', 'unclear'])
    let clock = 0
    const timed = await ask(
      await serve(async () => [200, { state: 'ok', createdAt: new Date(++clock * 1000).toISOString() }]),
    )
    expect(timed.withKey[0]?.words).toContain('/createdAt, a time')
    expect(timed.verdict).toBe('unclear')
  })

  test('a value that moved, or an id of the request, tells nothing: lines and conclusion agree', async () => {
    let balance = 100
    const moved = await ask(await serve(async () => [200, { balance: (balance -= 10) }]))
    expect(moved.withKey[0]?.words).toContain(
      '/balance was 50, then 40. Whether it ran twice, the answers do not tell.',
    )
    expect(moved.conclusion[1]).toBe('With an Idempotency-Key header, the answers do not tell.')
    let requests = 0
    const traced = await ask(await serve(async () => [200, { state: 'ok', requestId: `req_${++requests}` }]))
    expect(readings(traced.withKey)).toEqual(['unclear', 'unclear', 'unclear'])
    expect(traced.withKey[0]?.words).toMatch(
      /the same but for \/requestId, an id of the request itself: "req_5", then "req_6"\. .*the answers do not tell\.$/,
    )
    expect(traced.verdict).toBe('unclear')
  })

  test('only a 4xx says that nothing was done', async () => {
    const words = async (status: number, location?: string) => {
      const report = await ask(
        await serve(async ({ response }) => {
          if (location !== undefined) response.setHeader('Location', location)
          return [status]
        }),
      )
      expect(report.verdict).toBe('failed')
      return report.withKey[0]?.words
    }
    expect(await words(400)).toBe('Both were refused (400): nothing was done.')
    expect(await words(500)).toBe('None succeeded (500). What they did before they failed is not known.')
    expect(await words(307, 'http://192.0.2.2/x')).toBe(
      'Sent elsewhere (307) to http://192.0.2.2/x. Redirects are not followed, -L is ignored: give the address itself.',
    )
  })

  test('redirects as after a form: two places are two things, one place tells nothing', async () => {
    let orders = 0
    const known = new Map<string, number>()
    const url = await serve(async ({ key, response }) => {
      const order = known.get(key ?? '') ?? ++orders
      if (key !== undefined) known.set(key, order)
      response.setHeader('location', `/orders/${order}?shown=${Math.random()}`)
      return [302]
    })
    const report = await ask(url)
    expect(readings(report.withoutKey)).toEqual(['doubled', 'doubled'])
    expect(report.withoutKey[0]?.words).toMatch(
      /^The first was sent to \/orders\/1\S+, the second to \/orders\/2\S+ \(302\): two orders\.$/,
    )
    expect(readings(report.withKey).slice(0, 2)).toEqual(['unclear', 'unclear'])
    expect(report.withKey[0]?.words).toMatch(/^Both were sent to \/orders\/\d+\S+ \(302\)/)
    expect(report.verdict).toBe('unclear')
  })

  test('a server that dies on the second copy: unclear, never safe', async () => {
    const seen = new Set<string>()
    const url = await serve(async ({ key = '', response }) => {
      if (seen.has(key)) response.destroy()
      seen.add(key)
      return [201, { id: 1 }]
    })
    const report = await ask(url)
    expect(readings(report.withKey)[0]).toBe('unclear')
    expect(report.verdict).toBe('unclear')
  })

  test('{{unique}} is another value for each pair, the same in both copies', async () => {
    const bodies: string[] = []
    const url = await serve(async ({ body }) => [201, { id: bodies.push(body) }])
    await ask(url, {}, '{"reference":"{{unique}}"}')
    expect(bodies).toHaveLength(10)
    expect(new Set(bodies.slice(0, 8)).size).toBe(4)
  })

  test('another host is refused before anything is sent', async () => {
    await expect(ask('http://shop.example/orders')).rejects.toThrow(RequestUnclear)
    await expect(ask('http://127.0.0.1.example/orders')).rejects.toThrow(RequestUnclear)
  })
})
