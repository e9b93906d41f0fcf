import { isAllowedHost } from '@spandrel/verify'
import { expect, test } from 'vitest'
import { databaseIsAllowed, dependencyIsAllowed } from '../src/commands/verify-hosts.ts'

const judge = { isAllowedHost }

test.each([
  'postgres://u:p@127.0.0.1:7390/stream',
  'postgres://localhost/stream',
  'postgres://[::1]:5432/stream',
  'postgres://192.0.2.2/stream?host=127.0.0.1',
  'postgres:///stream?host=/var/run/postgresql',
  'postgres://127.0.0.1/stream?hostaddr=127.0.0.1',
])('%s is on this machine', async (url) => {
  await expect(databaseIsAllowed(judge, url, undefined, '--transport')).resolves.toBeUndefined()
})

test.each([
  'postgres://192.0.2.2/stream',
  'postgres://u:p@127.0.0.1:7390/stream?host=192.0.2.2',
  'postgres://127.0.0.1/stream?a=b&host=192.0.2.2',
  'postgres://127.0.0.1/stream?host=127.0.0.1&host=192.0.2.2',
  'postgres://127.0.0.1/stream?host=127.0.0.1,192.0.2.2',
  'postgres://127.0.0.1/stream?h%6fst=192.0.2.2',
  'postgres://127.0.0.1/stream?hostaddr=192.0.2.2',
  'postgres://127.0.0.1,192.0.2.2/stream',
])('%s is not, and needs --allow', async (url) => {
  const refused = databaseIsAllowed(judge, url, undefined, '--transport')
  await expect(refused).rejects.toThrow(/is not on this machine|is no URL/)
})

test('a host that was named is allowed, whatever stands before the path', async () => {
  await databaseIsAllowed(judge, 'postgres://127.0.0.1/stream?host=192.0.2.2', ['192.0.2.2'], '--database')
  const elsewhere = databaseIsAllowed(judge, 'postgres://192.0.2.2/stream?host=192.0.2.3', ['192.0.2.2'], '--database')
  await expect(elsewhere).rejects.toThrow('192.0.2.3 is not on this machine')
})

test('what a dependency passes on to is looked at too', async () => {
  const to = (host: string) => ({
    name: 'card',
    listen: { host: '127.0.0.1', port: 7109 },
    target: { host, port: 7009 },
  })
  for (const host of ['127.0.0.1', '::1', '[::1]', 'localhost']) await dependencyIsAllowed(judge, to(host), undefined)
  await expect(dependencyIsAllowed(judge, to('192.0.2.2'), undefined)).rejects.toThrow(
    '192.0.2.2:7009 is not on this machine',
  )
  await dependencyIsAllowed(judge, to('192.0.2.2'), ['192.0.2.2'])
})
