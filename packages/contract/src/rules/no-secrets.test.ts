/** What would let somebody in, and what only stands where a secret would. */
import { existsSync, globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { checkDocuments, checkSystem } from '../load/load-system.ts'
import { checkFixture } from './fixture.ts'
import { secretIn, secretNamed } from './secret-forms.ts'

const encoded = (text: string): string => Buffer.from(text).toString('base64')
const token = (payload: string): string =>
  `${Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')}.${Buffer.from(payload).toString('base64url')}.dBjftJeZ4CVPmB92K27uhbUJU1p1r`

describe('by its form, in any text', () => {
  test.each([
    ['send it as `Authorization: Bearer 9f8Kd02LmQx7Zt41WbNc`', 'Bearer credentials'],
    [`curl -H "Authorization: Basic ${encoded('ops:mD8rT2vQ9')}"`, 'Basic credentials'],
    [token('{"sub":"user-77","iss":"https://id.example.org"}'), 'a JSON Web Token'],
    ['Server=db;User Id=shop;Password=mD8rT2vQ9;', 'a connection string with a password'],
    ['AccountName=shop;AccountKey=Zm9vYmFyMTIzNDU2Nzg5MHF3ZXJ0eXVpb3A=', 'a connection string with a password'],
    ['jdbc:postgresql://db/shop?user=shop&password=mD8rT2vQ9', 'a connection string with a password'],
    ['postgres://shop:mD8rT2vQ9@db.internal/shop', 'a password in a URL'],
    ['-----BEGIN ENCRYPTED PRIVATE KEY-----', 'a private key'],
  ])('%s', (text, what) => {
    expect(secretIn(text)).toBe(what)
  })

  test.each([
    'Authorization: Bearer <token>',
    'Authorization: Bearer your-access-token',
    'Authorization: Bearer $ACCESS_TOKEN',
    'the bearer of bad-news-arrives-late',
    'Authorization: Basic <base64(user:password)>',
    `Authorization: Basic ${encoded('user:password')}`,
    `Authorization: Basic ${encoded('Aladdin:open sesame')}`,
    'Server=db;User Id=shop;Password=<password>;',
    'Server=db;Password=${DB_PASSWORD};',
    'grant_type=password&username=user&password=secret',
    'postgres://shop:${PASSWORD}@db/shop',
    'postgres://localhost:5432/shop?sslmode=require',
    token('{"sub":"1234567890","name":"John Doe","iat":1516239022}'),
    '-----BEGIN PUBLIC KEY-----',
  ])('not %s', (text) => {
    expect(secretIn(text)).toBeUndefined()
  })
})

describe('by the name of the member', () => {
  test.each([
    ['password', 'hunter2x'],
    ['password', 'mD8rT2vQ9'],
    ['client_secret', '9f8Kd02LmQx7Zt41WbNc'],
    ['clientSecret', '9f8Kd02LmQx7Zt41WbNc'],
    ['X-API-Key', '0f8fad5bd9cb469fa16570867728950e'],
    ['api_key', 'live-9f8Kd02LmQx7Zt41WbNc'],
    ['token', 'v1.1f699f1069f6c3d2'],
    ['Authorization', 'Bearer 9f8Kd02LmQx7Zt41WbNc'],
    ['Authorization', `Basic ${encoded('ops:mD8rT2vQ9')}`],
  ])('%s: %s', (name, value) => {
    expect(secretNamed(name, value)).toBe(`the value of \`${name}\``)
  })

  test.each([
    ['password', 'string'],
    ['password', '********'],
    ['password', 'changeme'],
    ['password', 'P@ssw0rd123'],
    ['password', 'password1'],
    ['password', 'theUser'],
    ['password', 'my-secret-password'],
    ['secret', 'example'],
    ['token', '<token>'],
    ['token', '{{token}}'],
    ['token', '$inputs.token'],
    ['token', 'abc123'],
    ['token', 'abcdef1234567890'],
    ['token', 'xxxxxxxxxxxxxxxx'],
    ['token', 'eyJhbGciOi...'],
    ['token', 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9'],
    ['Authorization', 'Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9'],
    ['apiKey', 'your-api-key-here'],
    ['apiKey', 'cancer_moonshot'],
    ['apiKey', '550e8400-e29b-41d4-a716-446655440000'],
    ['Authorization', 'Bearer YOUR_TOKEN'],
    ['secret', 'https://images.example.org/emoji/3299a7c41d.png'],
    ['pageToken', '9f8Kd02LmQx7Zt41WbNc'],
    ['cardToken', '9f8Kd02LmQx7Zt41WbNc'],
    ['token_type', '9f8Kd02LmQx7Zt41WbNc'],
  ])('not %s: %s', (name, value) => {
    expect(secretNamed(name, value)).toBeUndefined()
  })
})

const REAL = '9f8Kd02LmQx7Zt41WbNc'

async function found(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { findings, system, dir } = await checkFixture({ files: new Map(Object.entries(files)), marks: [] })
  if (system === undefined) throw new Error(JSON.stringify(findings))
  const own = findings.filter(({ id }) => id === 'no-secrets')
  return own.map(({ file, line, message }) => `${file.slice(dir.length + 1)}:${line} ${message}`)
}

const system = (contract: string): string =>
  `version: 1\nsystem: shop\nservices:\n  orders: { owner: team, contracts: [${contract}] }\n`

test('examples and defaults are looked at wherever an OpenAPI document has them; descriptions are not', async () => {
  const contract = (secret: string): string => `openapi: 3.1.0
info: { title: Orders, version: 1.0.0 }
paths:
  /login:
    post:
      operationId: login
      parameters:
        - { name: X-API-Key, in: header, schema: { type: string }, example: ${secret} }
        - { name: api_key, in: query, schema: { type: string, default: ${secret} } }
        - name: token
          in: query
          schema: { type: string }
          examples:
            one: { summary: token, value: ${secret} }
      requestBody:
        content:
          application/json:
            schema:
              type: object
              properties:
                password: { type: string, example: ${secret} }
                secret: { type: string, examples: [${secret}] }
                pin: { type: string, format: password, default: ${secret} }
                id: { type: string, example: ${secret} }
            examples:
              two: { value: { inner: [{ access_token: ${secret} }] } }
      responses:
        '200':
          description: ok
          content: { application/json: { example: { client_secret: ${secret}, order: ${secret} } } }
          headers:
            Authorization: { schema: { type: string, example: ${secret} } }
`
  const lines = (await found({ 'spandrel.yaml': system('a.yaml'), 'a.yaml': contract(REAL) })).map((one) =>
    one.replace('this looks like the value of ', ''),
  )
  expect(lines).toEqual([
    'a.yaml:8 `X-API-Key`',
    'a.yaml:9 `api_key`',
    'a.yaml:14 `token`',
    'a.yaml:21 `password`',
    'a.yaml:22 `secret`',
    'a.yaml:23 `password`',
    'a.yaml:26 `access_token`',
    'a.yaml:30 `client_secret`',
    'a.yaml:32 `Authorization`',
  ])
  for (const harmless of ['string', "'********'", "'<token>'", 'changeme', 'example', 'your-key']) {
    expect(await found({ 'spandrel.yaml': system('a.yaml'), 'a.yaml': contract(harmless) })).toEqual([])
  }
})

test('messages, sidecars, and the files that contracts refer to are looked at as well', async () => {
  const files = {
    'spandrel.yaml': system('a.yaml'),
    'a.yaml': `asyncapi: 3.0.0
info: { title: Orders, version: 1.0.0 }
channels:
  out:
    address: out
    messages:
      placed:
        payload: { $ref: 'shared.yaml#/Placed' }
        examples: [{ headers: { authorization: Bearer ${REAL} }, payload: { token: ${REAL} } }]
operations:
  tell: { action: send, channel: { $ref: '#/channels/out' } }
`,
    'a.guarantees.yaml': `# ${REAL}\ntell:\n  x-integration: { owner: team, reason: 'Password=mD8rT2vQ9' }\n`,
    'shared.yaml': `Placed:\n  type: object\n  properties:\n    apiKey: { type: string, example: ${REAL} }\n`,
  }
  expect(await found(files)).toEqual([
    'a.guarantees.yaml:3 this looks like a connection string with a password',
    'a.yaml:9 this looks like Bearer credentials',
    'a.yaml:9 this looks like the value of `token`',
    'shared.yaml:4 this looks like the value of `apiKey`',
  ])
})

const corpus = fileURLToPath(new URL('../../../../../shared/corpus', import.meta.url))
const shop = fileURLToPath(new URL('../../../../examples/shop/spandrel.yaml', import.meta.url))

test('no false alarm: not in the shop, not in public documents', async () => {
  const documents = globSync(`${corpus}/{asyncapi,openapi,arazzo}/**/*.{yml,yaml,json}`)
  const all = [await checkSystem(shop, { env: {} })]
  for (const document of documents) all.push(await checkDocuments([document], { env: {} }))
  console.log(`no-secrets: the shop and ${documents.length} public documents read`)
  expect(all.flatMap(({ findings }) => findings.filter(({ id }) => id === 'no-secrets'))).toEqual([])
  expect(documents.length).toBeGreaterThan(existsSync(corpus) ? 30 : -1)
})
