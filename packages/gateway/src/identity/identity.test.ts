import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { type Answer, ask, gateway, onCleanup, service, type TestService } from '../../test/servers.ts'
import { apiKey, bearer, type OperationSketch, system } from '../../test/system.ts'
import { createGateway, readApiKeys, verifyCaller } from '../index.ts'

const issuer = 'https://id.example'
const audience = 'shop'

async function identityProvider(): Promise<{
  url: string
  fetches: () => number
  server: TestService
  rotate: () => Promise<void>
  token: (claims?: JWTPayload, options?: { kid?: string; exp?: string | number; drop?: string }) => Promise<string>
}> {
  let pair = await generateKeyPair('ES256')
  let kid = 'k1'
  const server = await service(async (_request, response) => {
    const jwk = { ...(await exportJWK(pair.publicKey)), kid, alg: 'ES256' }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [jwk] }))
  })
  return {
    url: `${server.url}/jwks.json`,
    fetches: () => server.seen.length,
    server,
    rotate: async () => {
      pair = await generateKeyPair('ES256')
      kid = 'k2'
    },
    token: (claims = {}, options = {}) => {
      const all: JWTPayload = { iss: issuer, aud: audience, sub: 'ann', ...claims }
      if (options.drop !== undefined) delete all[options.drop]
      return new SignJWT(all)
        .setProtectedHeader({ alg: 'ES256', kid: options.kid ?? kid })
        .setExpirationTime(options.exp ?? '5m')
        .sign(pair.privateKey)
    },
  }
}

type To = (headers?: Record<string, string>, path?: string) => Promise<Answer>

async function guarded(
  security: OperationSketch['security'],
  options: object,
): Promise<{ to: To; one: TestService; url: string }> {
  const one = await service((request, response) => response.end(String(request.headers['spandrel-caller'] ?? 'nobody')))
  const { url } = await gateway({
    system: system({
      one: { url: one.url, operations: { op: { path: '/x', ...(security !== undefined && { security }) } } },
    }),
    ...options,
  })
  return { to: (headers = {}, path = '/x') => ask(`${url}${path}`, { headers }), one, url }
}

describe('tokens', () => {
  const withProvider = async (
    security: OperationSketch['security'] = [[{ scheme: bearer }]],
    auth: object = {},
  ): Promise<{ to: To; one: TestService; provider: Awaited<ReturnType<typeof identityProvider>> }> => {
    const provider = await identityProvider()
    const jwt = { jwks: provider.url, issuer, audience }
    return { ...(await guarded(security, { auth: { jwt, ...auth } })), provider }
  }

  test('a valid token names the caller by issuer and subject, never by itself', async () => {
    const { to, one, provider } = await withProvider()
    const token = await provider.token()
    const answer = await to({ authorization: `Bearer ${token}` })
    expect(answer.text).toBe('https://id.example|ann')
    const { authorization, ...others } = one.seen[0]?.headers ?? {}
    expect(authorization).toBe(`Bearer ${token}`)
    expect(JSON.stringify(others)).not.toContain(token.slice(-20))
  })

  test('no token: 401 with a challenge, and the service hears nothing', async () => {
    const { to, one } = await withProvider()
    const answer = await to()
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="test"')
    expect(answer.json()['type']).toBe('https://spandrel.dev/problems/caller-unknown')
    expect(one.seen).toHaveLength(0)
  })

  test('what is wrong with a token is told, the token is not', async () => {
    const { to, one, provider } = await withProvider()
    const good = await provider.token()
    const [head = '', body = '', signature = ''] = good.split('.')
    const forged = Buffer.from(JSON.stringify({ iss: issuer, aud: audience, sub: 'root', exp: 9e9 })).toString(
      'base64url',
    )
    const cases: [string, string, RegExp][] = [
      ['expired', await provider.token({}, { exp: 1 }), /expired/],
      ['another issuer', await provider.token({ iss: 'https://evil.example' }), /"iss"/],
      ['another audience', await provider.token({ aud: 'bank' }), /"aud"/],
      ['no subject', await provider.token({}, { drop: 'sub' }), /"sub"/],
      ['not yet valid', await provider.token({ nbf: Math.floor(Date.now() / 1000) + 600 }), /"nbf"/],
      ['another body', `${head}.${forged}.${signature}`, /not valid/],
      ['no signature', `${head}.${body}.`, /not valid|credentials/],
      ['not a token', 'abc.def', /not valid/],
      ['unknown key', await provider.token({}, { kid: 'other' }), /key is not known/],
      ['too long', 'a'.repeat(9000), /too long/],
    ]
    for (const [what, token, detail] of cases) {
      const answer = await to({ authorization: `Bearer ${token}` })
      const told = {
        what,
        status: answer.status,
        detail: answer.json()['detail'],
        challenge: answer.headers['www-authenticate'],
      }
      expect(told).toEqual({
        what,
        status: 401,
        detail: expect.stringMatching(detail),
        challenge: expect.stringMatching(/^Bearer realm="test"/),
      })
      expect(answer.text).not.toContain(token.slice(0, 30))
    }
    expect(one.seen).toHaveLength(0)
  })

  test('"none" and shared secrets are never allowed, whatever the key set says', async () => {
    const { to, provider } = await withProvider()
    const none = new UnsecuredJWT({ iss: issuer, aud: audience, sub: 'root' }).setExpirationTime('5m').encode()
    const published = createHash('sha256')
      .update(await provider.token())
      .digest()
    const shared = await new SignJWT({ iss: issuer, aud: audience, sub: 'root' })
      .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
      .setExpirationTime('5m')
      .sign(published)
    expect((await to({ authorization: `Bearer ${none}` })).status).toBe(401)
    const answer = await to({ authorization: `Bearer ${shared}` })
    expect(answer.status).toBe(401)
    expect(answer.json()['detail']).toContain('algorithm is not allowed')
    for (const algorithm of ['none', 'HS256']) {
      const jwt = { jwks: { keys: [] }, algorithms: [algorithm] }
      expect(() => createGateway({ system: system({}), auth: { jwt } })).toThrow(/is not allowed for tokens/)
    }
  })

  test('the key set is fetched once and kept', async () => {
    const { to, provider } = await withProvider()
    const token = await provider.token()
    const answers = await Promise.all(Array.from({ length: 20 }, () => to({ authorization: `Bearer ${token}` })))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect(provider.fetches()).toBe(1)
  })

  test('unknown keys do not make us fetch the set again and again', async () => {
    const { to, provider } = await withProvider()
    await to({ authorization: `Bearer ${await provider.token()}` })
    for (let count = 0; count < 5; count++)
      await to({ authorization: `Bearer ${await provider.token({}, { kid: `x${count}` })}` })
    expect(provider.fetches()).toBe(1)
  })

  test('a key set that cannot be had is our trouble: 503, not 401', async () => {
    const { to, provider } = await withProvider()
    const token = await provider.token()
    await provider.server.close()
    const answer = await to({ authorization: `Bearer ${token}` })
    expect(answer.status).toBe(503)
    expect(answer.headers['retry-after']).toBe('5')
    expect(answer.json()['type']).toBe('https://spandrel.dev/problems/identity-unavailable')
  })

  test('an identity provider that goes away after the fetch logs nobody out', async () => {
    const { to, provider } = await withProvider()
    const token = await provider.token()
    expect((await to({ authorization: `Bearer ${token}` })).status).toBe(200)
    await provider.server.close()
    expect((await to({ authorization: `Bearer ${token}` })).status).toBe(200)
  })

  test('a key set from a file', async () => {
    const pair = await generateKeyPair('RS256')
    const dir = await mkdtemp(join(tmpdir(), 'gateway-'))
    onCleanup(() => rm(dir, { recursive: true }))
    await writeFile(join(dir, 'jwks.json'), JSON.stringify({ keys: [await exportJWK(pair.publicKey)] }))
    const { to } = await guarded([[{ scheme: bearer }]], { auth: { jwt: { jwks: join(dir, 'jwks.json') } } })
    const token = await new SignJWT({ sub: 'ann' })
      .setProtectedHeader({ alg: 'RS256' })
      .setExpirationTime('5m')
      .sign(pair.privateKey)
    expect((await to({ authorization: `Bearer ${token}` })).text).toBe('|ann')
  })

  test('scopes: a token that lacks one is 403 and told which', async () => {
    const { to, provider } = await withProvider([[{ scheme: { ...bearer, type: 'oauth2' }, scopes: ['orders.write'] }]])
    const lacking = await to({ authorization: `Bearer ${await provider.token({ scope: 'orders.read' })}` })
    expect(lacking.status).toBe(403)
    expect(lacking.headers['www-authenticate']).toBe(
      'Bearer realm="test", error="insufficient_scope", scope="orders.write"',
    )
    expect(
      (await to({ authorization: `Bearer ${await provider.token({ scope: 'orders.read orders.write' })}` })).status,
    ).toBe(200)
    expect((await to({ authorization: `Bearer ${await provider.token({ scp: ['orders.write'] })}` })).status).toBe(200)
  })

  test('the subject can be another claim', async () => {
    const { to, provider } = await withProvider(undefined, {
      caller: { source: 'request.jwt', pointer: ['org', 'id'] },
    })
    expect((await to({ authorization: `Bearer ${await provider.token({ org: { id: 'acme' } })}` })).text).toBe(
      'https://id.example|acme',
    )
    expect((await to({ authorization: `Bearer ${await provider.token()}` })).status).toBe(401)
  })

  test('whatever a subject holds, it is one text that no other caller has', async () => {
    const { to, provider } = await withProvider()
    const as = async (sub: string): Promise<string> =>
      (await to({ authorization: `Bearer ${await provider.token({ sub })}` })).text
    expect(await as('a b')).toBe('https://id.example|a%20b')
    expect(await as('a%20b')).toBe('https://id.example|a%2520b')
    expect(await as('ümläut\r\nx')).toBe('https://id.example|%C3%BCml%C3%A4ut%0D%0Ax')
    expect((await to({ authorization: `Bearer ${await provider.token({ sub: 'x'.repeat(600) })}` })).status).toBe(401)
  })

  test('where credentials are optional none are needed, but wrong ones are refused', async () => {
    const { to, provider } = await withProvider([[{ scheme: bearer }], []])
    expect((await to()).text).toBe('nobody')
    expect((await to({ authorization: `Bearer ${await provider.token()}` })).text).toBe('https://id.example|ann')
    expect((await to({ authorization: `Bearer ${await provider.token({}, { exp: 1 })}` })).status).toBe(401)
  })

  test('a caller that the connection header hides is no caller', async () => {
    const { to, provider } = await withProvider()
    const answer = await to({ authorization: `Bearer ${await provider.token()}`, connection: 'close, authorization' })
    expect(answer.status).toBe(401)
  })
})

describe('API keys', () => {
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
  const auth = {
    apiKeys: [
      { id: 'web', sha256: sha256('secret-web') },
      { id: 'app', sha256: sha256('secret-app') },
    ],
  }

  test('a key is known by its hash and names its owner', async () => {
    const { to, one } = await guarded([[{ scheme: apiKey }]], { auth })
    expect((await to({ 'x-api-key': 'secret-web' })).text).toBe('key:web')
    expect((await to({ 'X-API-KEY': 'secret-app' })).text).toBe('key:app')
    const wrong = await to({ 'x-api-key': 'secret-other' })
    expect(wrong.status).toBe(401)
    expect(wrong.headers['www-authenticate']).toBe('ApiKey realm="test", in="header", name="X-API-Key"')
    expect(wrong.text).not.toContain('secret-other')
    expect((await to()).status).toBe(401)
    expect(one.seen).toHaveLength(2)
  })

  test('a key in the query or in a cookie', async () => {
    const inQuery = await guarded([[{ scheme: { ...apiKey, in: 'query', parameter: 'key' } }]], { auth })
    expect((await inQuery.to({}, '/x?key=secret%2Dweb')).text).toBe('key:web')
    const inCookie = await guarded([[{ scheme: { ...apiKey, in: 'cookie', parameter: 'key' } }]], { auth })
    expect((await inCookie.to({ cookie: 'a=1; key=secret-app' })).text).toBe('key:app')
  })

  test('one of two schemes is enough, two of one alternative are needed together', async () => {
    const other = { ...apiKey, name: 'second', parameter: 'X-Second' }
    const either = await guarded([[{ scheme: apiKey }], [{ scheme: other }]], { auth })
    expect((await either.to({ 'x-second': 'secret-app' })).text).toBe('key:app')
    const both = await guarded([[{ scheme: apiKey }, { scheme: other }]], { auth })
    expect((await both.to({ 'x-second': 'secret-app' })).status).toBe(401)
    expect((await both.to({ 'x-api-key': 'secret-web', 'x-second': 'secret-app' })).text).toBe('key:web')
    expect((await both.to({ 'x-api-key': 'secret-web', 'x-second': 'wrong' })).status).toBe(401)
  })

  test('a file of keys is read; what is wrong with it is told with its line', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'gateway-'))
    onCleanup(() => rm(dir, { recursive: true }))
    const file = join(dir, 'keys.yaml')
    await writeFile(file, `# the storefronts\nweb: ${sha256('a')}\n"app": "sha256:${sha256('b')}"   # mobile\n\n`)
    expect(readApiKeys(file)).toEqual([
      { id: 'web', sha256: sha256('a') },
      { id: 'app', sha256: sha256('b') },
    ])
    await writeFile(file, `web: ${sha256('a')}\napp: not-a-hash\n`)
    expect(() => readApiKeys(file)).toThrow(/keys\.yaml:2 is not/)
    await writeFile(file, `web: ${sha256('a')}\nweb: ${sha256('b')}\n`)
    expect(() => readApiKeys(file)).toThrow(/two API keys named "web"/)
    expect(() => readApiKeys(join(dir, 'none'))).toThrow(/cannot be read/)
  })
})

describe('a trusted proxy', () => {
  const trusted = { header: 'X-User', from: ['127.0.0.1'] }

  test('names the caller, and its header goes no further', async () => {
    const { to, one } = await guarded([[{ scheme: bearer }]], { auth: { trusted } })
    expect((await to({ 'x-user': 'ann' })).text).toBe('proxy:ann')
    expect(one.seen[0]?.headers['x-user']).toBeUndefined()
    expect((await to()).status).toBe(401)
  })

  test('is believed from its own addresses only', async () => {
    const { to, one } = await guarded([[{ scheme: bearer }]], {
      auth: { trusted: { header: 'X-User', from: ['10.0.0.0/8', 'fd00::/8'] } },
    })
    expect((await to({ 'x-user': 'ann' })).status).toBe(401)
    const open = await guarded(undefined, { auth: { trusted: { header: 'X-User', from: ['10.0.0.0/8'] } } })
    expect((await open.to({ 'x-user': 'ann' })).text).toBe('nobody')
    expect(open.one.seen[0]?.headers['x-user']).toBeUndefined()
    expect(one.seen).toHaveLength(0)
  })

  test('an address that is none is refused at start', () => {
    const from = (entry: string) => (): unknown =>
      createGateway({ system: system({}), auth: { trusted: { header: 'x', from: [entry] } } })
    for (const entry of ['localhost', '10.0.0.0/33', '10.0.0', ''])
      expect(from(entry)).toThrow(/neither an IP address nor a CIDR block/)
  })
})

describe('at start', () => {
  test('a contract that demands what is not configured is refused', () => {
    const one = (scheme: typeof bearer): ReturnType<typeof system> =>
      system({ one: { url: 'http://127.0.0.1:1', operations: { op: { path: '/x', security: [[{ scheme }]] } } } })
    expect(() => createGateway({ system: one(bearer) })).toThrow(
      /one\.op needs the security scheme "token", and no key set is configured/,
    )
    expect(() => createGateway({ system: one(apiKey) })).toThrow(/no API keys are configured/)
    expect(() => createGateway({ system: one({ ...bearer, type: 'mutualTLS' }) })).toThrow(/the gateway cannot check/)
    expect(() => createGateway({ system: one({ ...bearer, scheme: 'basic' }) })).toThrow(
      /the gateway cannot check basic/,
    )
  })

  test('a caller that is not a claim, and a short secret, are refused', () => {
    const caller = { source: 'request.header', name: 'x' } as const
    expect(() => createGateway({ system: system({}), auth: { caller } })).toThrow(/must be a claim/)
    expect(() => createGateway({ system: system({}), auth: { secret: 'short' } })).toThrow(/shorter than 32/)
  })
})

describe('the signature', () => {
  const secret = 'a secret of at least thirty-two characters'
  const auth = { secret, trusted: { header: 'X-User', from: ['127.0.0.1'] } }

  test('binds the caller to the request', async () => {
    const { to, one } = await guarded(undefined, { auth })
    await to({ 'x-user': 'ann', 'spandrel-caller-signature': 'forged' }, '/x?a=1')
    const signature = String(one.seen[0]?.headers['spandrel-caller-signature'])
    const signed = { caller: 'proxy:ann', service: 'one', method: 'GET', target: '/x?a=1' }
    expect(verifyCaller(secret, signed, signature)).toBe(true)
    for (const other of [{ caller: 'proxy:root' }, { service: 'two' }, { method: 'POST' }, { target: '/x?a=2' }]) {
      expect(verifyCaller(secret, { ...signed, ...other }, signature)).toBe(false)
    }
    expect(verifyCaller('another secret of thirty-two characters', signed, signature)).toBe(false)
    expect(verifyCaller(secret, signed, signature, { nowMs: Date.now() + 301_000 })).toBe(false)
    for (const broken of ['', 'x', 't=1,v1=00', signature.toUpperCase()])
      expect(verifyCaller(secret, signed, broken)).toBe(false)
  })

  test('is absent where there is no caller', async () => {
    const { to, one } = await guarded(undefined, { auth })
    await to()
    expect(one.seen[0]?.headers['spandrel-caller-signature']).toBeUndefined()
  })
})

test('no token and no key appears in any log line', async () => {
  const provider = await identityProvider()
  const lines: string[] = []
  const log = (fields: object, message: string): void => {
    lines.push(JSON.stringify({ ...fields, message }))
  }
  const logger = { debug: log, info: log, warn: log, error: log }
  const inQuery = { ...apiKey, in: 'query', parameter: 'key' } as const
  const { to, one } = await guarded([[{ scheme: bearer }], [{ scheme: inQuery }]], {
    logger,
    accessLog: true,
    auth: { jwt: { jwks: provider.url, issuer, audience }, apiKeys: [] },
  })
  const token = await provider.token()
  await to({ authorization: `Bearer ${token}` })
  await to({ authorization: `Bearer ${token}x` })
  await to({}, '/x?key=top-secret-key')
  await one.close()
  await to({ authorization: `Bearer ${token}` })
  expect(lines.length).toBeGreaterThanOrEqual(4)
  expect(lines.join('\n')).not.toContain(token.slice(-20))
  expect(lines.join('\n')).not.toContain('top-secret-key')
})
