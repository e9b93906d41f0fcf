/** What libraries make of an error of the server or of the network, as they were seen to do. */
import { expect, test } from 'vitest'
import { isConnectionLost, isTransientFailure, sqlState } from './failure.ts'

const error = (message: string, rest: object = {}): Error => Object.assign(new Error(message), rest)
/** As `@prisma/client` 7.10 throws it: its own code, and what its driver adapter said in a plain object. */
const prisma = (code: string, cause?: object): Error =>
  error('Invalid `prisma.order.create()` invocation', {
    name: 'PrismaClientKnownRequestError',
    code,
    meta: cause === undefined ? {} : { driverAdapterError: Object.assign(new Error('DriverAdapterError'), { cause }) },
  })

test.each<[string, Error, string | undefined, boolean, boolean]>([
  ['unique', prisma('P2002', { kind: 'UniqueConstraintViolation', originalCode: '23505' }), '23505', false, false],
  ['serialization', prisma('P2034', { kind: 'TransactionWriteConflict', originalCode: '40001' }), '40001', false, true],
  ['deadlock of a raw statement', prisma('P2010', { kind: 'postgres', originalCode: '40P01' }), '40P01', false, true],
  ['aborted', prisma('P2010', { kind: 'postgres', originalCode: '25P02' }), '25P02', false, true],
  ['too many clients', prisma('P2037', { kind: 'TooManyConnections', originalCode: '53300' }), '53300', false, true],
  ['ended by the server', prisma('P2010', { kind: 'postgres', originalCode: '57P01' }), '57P01', true, true],
  ['not reachable', prisma('P1001', { kind: 'DatabaseNotReachable' }), undefined, true, true],
  ['closed', prisma('P1017', { kind: 'ConnectionClosed' }), undefined, true, true],
  ['closed, in a raw statement', prisma('P2010', { kind: 'ConnectionClosed' }), undefined, true, true],
  ['no connection in time', prisma('P2024'), undefined, true, true],
  ['a transaction that is over', prisma('P2028'), undefined, true, true],
  ['no such record', prisma('P2025'), undefined, false, false],
  ['no such table', prisma('P2021', { kind: 'TableDoesNotExist', originalCode: '42P01' }), '42P01', false, false],
  ['no such database', prisma('P1003', { kind: 'DatabaseDoesNotExist', originalCode: '3D000' }), '3D000', false, false],
])('Prisma: %s', (_, thrown, state, lost, transient) => {
  expect([sqlState(thrown), isConnectionLost(thrown), isTransientFailure(thrown)]).toEqual([state, lost, transient])
})

test('a code of Prisma is no SQLSTATE, and one of PL/pgSQL is', () => {
  expect(['P1001', 'P2002', 'P6009', 'P0001', 'P0004'].map((code) => sqlState(error('', { code })))).toEqual([
    undefined,
    undefined,
    undefined,
    'P0001',
    'P0004',
  ])
})

test('Knex puts the statement before what the driver said', () => {
  const lost = error("insert into t values ('a - b') - Connection terminated unexpectedly")
  expect([isConnectionLost(lost), isTransientFailure(lost)]).toEqual([true, true])
  const refused = error("insert into t values (' - Connection terminated') - duplicate key", { code: '23505' })
  expect(isConnectionLost(refused)).toBe(false)
  const quoted = error("select 1 where 'x - Connection terminated' = 1 - it says something else")
  expect(isConnectionLost(quoted)).toBe(false)
})

test('TypeORM and Drizzle keep what the driver said', () => {
  expect(sqlState(error('QueryFailedError', { driverError: error('conflict', { code: '40001' }) }))).toBe('40001')
  expect(isConnectionLost(new Error('Failed query', { cause: error('Connection terminated unexpectedly') }))).toBe(true)
})
