import { expect, test } from 'vitest'
import { returnsRows } from './returns-rows.ts'

test.each([
  ['select 1', true],
  ['/* plan each time */ select 1', true],
  ['select 1 from t for update', true],
  ["with x as (delete from t where a in (select ';') returning a) select * from x", true],
  ['insert into t values (1) returning id', true],
  ['insert into t select 1', false],
  ['insert into t values (1) on conflict (a) do update set b = 1', false],
  ['with mine as (select 1 for no key update) update t set a = 1 from mine', false],
  ["update t set a = 'returning'", false],
  ['with gone as (delete from t returning id) delete from u using gone', false],
  ['-- select\nsavepoint a', false],
  ['select 1; select 2', false],
  ['select pg_advisory_xact_lock(1);', false],
])('%s: %s', (sql, expected) => expect(returnsRows(sql)).toBe(expected))
