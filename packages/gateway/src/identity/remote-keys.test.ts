import { exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { service, type TestService, until } from '../../test/servers.ts'
import { remoteKeys } from './remote-keys.ts'

interface Provider {
  url: URL
  server: TestService
  rotate: () => Promise<void>
  token: () => Promise<string>
}

async function provider(): Promise<Provider> {
  let kid = 'k1'
  let pair = await generateKeyPair('ES256')
  const server = await service(async (_request, response) => {
    const keys = [{ ...(await exportJWK(pair.publicKey)), kid, alg: 'ES256' }]
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys }))
  })
  return {
    url: new URL(server.url),
    server,
    rotate: async () => {
      pair = await generateKeyPair('ES256')
      kid = 'k2'
    },
    token: () => new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid }).sign(pair.privateKey),
  }
}

test('a rotated key is fetched when it is first seen', async () => {
  const one = await provider()
  const keys = remoteKeys(one.url, { cooldownMs: 0 })
  const old = await one.token()
  await jwtVerify(old, keys)
  await one.rotate()
  await jwtVerify(await one.token(), keys)
  expect(one.server.seen).toHaveLength(2)
  await expect(jwtVerify(old, keys)).rejects.toThrow(/no applicable key/)
})

test('an old set serves while it is fetched again, and a key that is gone then ends', async () => {
  const one = await provider()
  const keys = remoteKeys(one.url, { refreshMs: 0, cooldownMs: 0 })
  const old = await one.token()
  await jwtVerify(old, keys)
  await one.rotate()
  // Answered from the old set; the fetch goes on behind it.
  await jwtVerify(old, keys)
  await until(() => one.server.seen.length >= 2)
  await expect
    .poll(() =>
      jwtVerify(old, keys).then(
        () => 'valid',
        (error: Error) => error.message,
      ),
    )
    .toMatch(/no applicable key/)
})

test('a set that is too old verifies nothing any more', async () => {
  const one = await provider()
  const keys = remoteKeys(one.url, { staleMs: 50 })
  const token = await one.token()
  await jwtVerify(token, keys)
  await one.server.close()
  await expect
    .poll(() =>
      jwtVerify(token, keys).then(
        () => 'valid',
        (error: Error) => error.message,
      ),
    )
    .toMatch(/cannot be fetched|has just failed/)
})

test('right after a failed fetch there is not another one', async () => {
  const one = await provider()
  const failing = await service((_request, response) => response.writeHead(500).end())
  const keys = remoteKeys(new URL(failing.url))
  const token = await one.token()
  await expect(jwtVerify(token, keys)).rejects.toThrow(/cannot be fetched/)
  for (let count = 0; count < 10; count++) await expect(jwtVerify(token, keys)).rejects.toThrow(/has just failed/)
  expect(failing.seen).toHaveLength(1)
})
