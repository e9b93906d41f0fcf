import { describe, expect, test } from 'vitest'
import { statementKind } from './statement-kind.ts'

describe('what may run in a shared transaction', () => {
  test.each([
    'select 1',
    '  SELECT 1;',
    '(select 1) union (select 2)',
    'with a as (select 1) update t set x = 1',
    "insert into t values ('savepoint a; commit')",
    "insert into t values ('it''s; rollback')",
    "insert into t values (E'\\'; commit; --')",
    'insert into t values ($1, $2)',
    'select $body$ ; commit; $body$',
    'select 1; select 2',
    '-- commit\nselect 1',
    '/* set /* nested */ lock */ select 1',
    'select "commit; rollback" from t',
    'delete from t where a = 1',
    'merge into t using s on true when matched then do nothing',
    'values (1)',
    'table t',
    '',
  ])('%s', (sql) => expect(statementKind(sql).plain).toBe(true))
})

describe('what may not', () => {
  test.each([
    ['savepoint a', 'SAVEPOINT'],
    ['release a', 'RELEASE'],
    ['rollback to a', 'ROLLBACK'],
    ['set local x = 1', 'SET'],
    ['reset x', 'RESET'],
    ['lock table t', 'LOCK'],
    ['declare c cursor for select 1', 'DECLARE'],
    ['fetch c', 'FETCH'],
    ['begin', 'BEGIN'],
    ['commit', 'COMMIT'],
    ['do $$ begin end $$', 'DO'],
    ['call p()', 'CALL'],
    ['select 1; savepoint a', 'SAVEPOINT'],
    ['select 1;/* x */-- y\n COMMIT', 'COMMIT'],
    ['/* a /* b */ c */ set x = 1', 'SET'],
    ["select 'a' ; lock t", 'LOCK'],
    ['select $a$ x $a$; set y = 1', 'SET'],
    ["select set_config('search_path', 'x', true)", 'set_config'],
    [`select pg_catalog."set_config"('search_path', 'x', true)`, 'set_config'],
    ["select a$b$ from t; commit; select '$b$'", 'COMMIT'],
  ])('%s', (sql, word) => {
    expect(statementKind(sql)).toMatchObject({ plain: false, word })
  })

  test.each([
    "select '\\'; commit; --'",
    'select /* open',
    "select 'open",
    `select U&"set\\005fconfig"('a','b',true)`,
    'select $a$ open',
  ])('not certain: %s', (sql) => expect(statementKind(sql).plain).toBe(false))
})

test('transaction control is told from savepoints', () => {
  for (const sql of [
    'commit',
    'END',
    'abort',
    'rollback',
    'rollback work',
    'start transaction',
    "prepare transaction 'x'",
    'select 1; commit',
  ]) {
    expect({ sql, ...statementKind(sql) }).toMatchObject({ endsTransaction: true })
  }
  for (const sql of [
    'rollback to a',
    'rollback work to savepoint a',
    'rollback transaction to a',
    'savepoint commit',
    'prepare x as select 1',
  ]) {
    expect({ sql, ...statementKind(sql) }).toMatchObject({ endsTransaction: false })
  }
  expect(statementKind('ROLLBACK TO a').rollsBackTo).toBe(true)
})
