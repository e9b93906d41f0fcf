/** What is broken on a server, one thing at a time, and what `doctor` has to say about it. */
import type { Limits } from '../src/doctor/check.ts'
import type { Name } from './doctor-server.ts'

export interface Break {
  check: string
  about: Name
  /** SQL that breaks it */
  by: string
  finds: RegExp
  /** SQL that mends it; absent: the fix that doctor gives is applied */
  mend?: string
  limits?: Partial<Limits>
}

export const breaks: readonly Break[] = [
  {
    check: 'migrations',
    about: 'front',
    by: `update spandrel.migrations set number = -1 where number = 1`,
    finds: /^migration 1 first of spandrel was not applied$/,
    mend: 'update spandrel.migrations set number = 1 where number = -1',
  },
  {
    check: 'migrations',
    about: 'stream',
    by: `update spandrel_stream.migrations set checksum = 'x' || checksum`,
    finds: /was applied with another text/,
    mend: 'update spandrel_stream.migrations set checksum = substr(checksum, 2)',
  },
  {
    check: 'migrations',
    about: 'back',
    by: `insert into spandrel.migrations values (999, 'future', 'x', true)`,
    finds: /is past what this version knows \(999\)/,
    mend: 'delete from spandrel.migrations where number = 999',
  },
  {
    check: 'migrations',
    about: 'back',
    by: 'alter schema spandrel rename to elsewhere',
    finds: /there is no table spandrel\.migrations/,
    mend: 'alter schema elsewhere rename to spandrel',
  },
  {
    check: 'tables',
    about: 'front',
    by: 'alter table spandrel.journal rename to gone',
    finds: /the table spandrel\.journal is missing/,
    mend: 'alter table spandrel.gone rename to journal',
  },
  {
    check: 'tables',
    about: 'front',
    by: 'alter table spandrel.keys rename fingerprint to print',
    finds: /spandrel\.keys lacks fingerprint/,
    mend: 'alter table spandrel.keys rename print to fingerprint',
  },
  {
    check: 'tables',
    about: 'back',
    by: 'alter index spandrel.held_by_key rename to other',
    finds: /the index spandrel\.held_by_key is missing/,
    mend: 'alter index spandrel.other rename to held_by_key',
  },
  {
    check: 'tables',
    about: 'back',
    by: `update pg_index set indisvalid = false where indexrelid = 'spandrel.held_by_key'::regclass`,
    finds: /held_by_key is not valid/,
  },
  {
    check: 'tables',
    about: 'front',
    by: 'alter function spandrel.publish rename to send',
    finds: /the function spandrel\.publish is missing/,
    mend: 'alter function spandrel.send rename to publish',
  },
  {
    check: 'registration',
    about: 'front',
    by: `update spandrel.channels set address = 'x'`,
    finds: /the channel pair\.greetings is in a contract and not registered/,
    mend: `update spandrel.channels set address = 'pair.greetings'`,
  },
  {
    check: 'registration',
    about: 'stream',
    by: `update spandrel_stream.subscriptions set name = 'back:old'`,
    finds: /the subscription back:pair\.greetings .* gets no messages/,
    mend: `update spandrel_stream.subscriptions set name = 'back:pair.greetings'`,
  },
  {
    check: 'registration',
    about: 'stream',
    by: `insert into spandrel_stream.subscriptions select 'gone:pair.greetings', channel from spandrel_stream.subscriptions`,
    finds: /no contract has the subscription gone:pair\.greetings/,
    mend: `delete from spandrel_stream.subscriptions where name = 'gone:pair.greetings'`,
  },
  {
    check: 'registration',
    about: 'back',
    by: `update spandrel.service set name = 'front'`,
    finds: /this database belongs to front/,
    mend: `update spandrel.service set name = 'back'`,
  },
  {
    check: 'privileges',
    about: 'front',
    by: 'revoke delete on spandrel.outbox from front_app',
    finds: /front_app lacks delete on spandrel\.outbox/,
  },
  {
    check: 'privileges',
    about: 'front',
    by: 'revoke usage on sequence spandrel.outbox_id from front_app',
    finds: /lacks usage on spandrel\.outbox_id/,
  },
  {
    check: 'privileges',
    about: 'back',
    by: 'revoke usage on schema spandrel from back_app',
    finds: /may not use the schema/,
  },
  {
    check: 'privileges',
    about: 'front',
    by: `do $$ begin execute 'revoke execute on function ' || (select oid::regprocedure from pg_proc where proname = 'publish') || ' from public'; end $$`,
    finds: /may not execute spandrel\.publish/,
  },
  {
    check: 'too-much',
    about: 'front',
    by: 'alter role front_app superuser',
    finds: /is a superuser/,
    mend: 'alter role front_app nosuperuser',
  },
  {
    check: 'too-much',
    about: 'back',
    by: 'alter role back_app createdb createrole',
    finds: /has createrole, createdb/,
  },
  {
    check: 'too-much',
    about: 'back',
    by: 'grant select on spandrel.held to public',
    finds: /everybody who may connect has select on spandrel\.held/,
  },
  {
    check: 'vacuum-settings',
    about: 'front',
    by: 'alter system set autovacuum = off; select pg_reload_conf()',
    finds: /^autovacuum is off/,
  },
  {
    check: 'vacuum-settings',
    about: 'back',
    by: 'alter table spandrel.inbox set (autovacuum_enabled = false)',
    finds: /autovacuum is off for spandrel\.inbox/,
  },
  {
    check: 'vacuum-settings',
    about: 'stream',
    by: 'alter table spandrel_stream.log reset (autovacuum_vacuum_threshold)',
    finds: /spandrel_stream\.log has lost its own vacuum settings/,
  },
  {
    check: 'dead-rows',
    about: 'front',
    by: `insert into spandrel.outbox (channel, attributes, data) select 'x', '{}', '{}' from generate_series(1, 2000); delete from spandrel.outbox`,
    finds: /spandrel\.outbox has about [\d,]+ dead rows/,
    mend: 'vacuum spandrel.outbox',
    limits: { deadRows: 1000 },
  },
  {
    check: 'dead-rows',
    about: 'back',
    by: `insert into spandrel.held (channel, source, message_id, type, attributes, data) select 'x', 'x', n::text, 'x', '{}', repeat('x', 1000) from generate_series(1, 2000) n; delete from spandrel.held`,
    finds: /spandrel\.held takes \d+ MiB for 0 rows/,
    mend: 'vacuum full spandrel.held',
    limits: { emptyTableBytes: 1024 * 1024 },
  },
  {
    check: 'durability',
    about: 'front',
    by: 'alter system set fsync = off; select pg_reload_conf()',
    finds: /^fsync is off: a crash of the machine can destroy the database/,
  },
  {
    check: 'durability',
    about: 'front',
    by: 'alter system set full_page_writes = off; select pg_reload_conf()',
    finds: /^full_page_writes is off/,
  },
  {
    check: 'durability',
    about: 'back',
    by: 'alter role back_app set synchronous_commit = off',
    finds: /^synchronous_commit is off/,
    mend: 'alter role back_app reset synchronous_commit',
  },
  {
    check: 'durability',
    about: 'stream',
    by: 'alter database stream set synchronous_commit = off',
    finds: /^synchronous_commit is off/,
  },
  {
    check: 'replication-slots',
    about: 'front',
    by: `select pg_create_physical_replication_slot('forgotten', true)`,
    finds: /nobody reads the replication slot forgotten: it keeps/,
    mend: `select pg_drop_replication_slot('forgotten')`,
  },
  {
    check: 'unsent',
    about: 'front',
    by: `insert into spandrel.outbox (channel, attributes, data) values ('x', '{"time": "2026-01-01T00:00:00Z"}', '{}')`,
    finds: /unsent for \d+ s, and no relay works/,
    mend: 'delete from spandrel.outbox',
  },
  {
    check: 'expired-rows',
    about: 'front',
    by: `insert into spandrel.keys (operation, scope, key, fingerprint, state, expires_at) values ('x', 'x', 'x', 'x', 'done', now() - interval '1 day')`,
    finds: /spandrel\.keys keeps rows whose time was over 24 h ago/,
    mend: 'delete from spandrel.keys',
  },
  {
    check: 'expired-rows',
    about: 'back',
    by: `insert into spandrel.inbox (subscription, source, message_id, type, outcome, partition, "offset", epoch, expires_at) values ('x', 'x', 'x', 'x', 'handled', 0, 0, 0, now() - interval '1 day')`,
    finds: /spandrel\.inbox keeps rows/,
    mend: `delete from spandrel.inbox where subscription = 'x'`,
  },
  {
    check: 'expired-rows',
    about: 'front',
    by: `insert into spandrel.sent (id, channel, source, message_id, type, attributes, sent_at) values (-1, 'x', 'x', 'x', 'x', '{}', now() - interval '9 days')`,
    finds: /spandrel\.sent keeps rows/,
    mend: 'delete from spandrel.sent where id = -1',
  },
  {
    check: 'expired-rows',
    about: 'back',
    by: `update spandrel.journal set at = now() - interval '9 days'; insert into spandrel.journal (kind, at) values ('note', now() - interval '9 days')`,
    finds: /spandrel\.journal keeps rows/,
    mend: 'delete from spandrel.journal',
  },
  {
    check: 'held',
    about: 'back',
    by: `insert into spandrel.held (channel, source, message_id, type, attributes, data, dead_at, expires_at) values ('x', 'x', 'x', 'x', '{}', '{}', now(), now() + interval '1 hour')`,
    finds: /^1 dead letter is removed within a day/,
    mend: 'delete from spandrel.held',
  },
  {
    check: 'held',
    about: 'back',
    by: `update spandrel.partitions set stopped = 'incarnation-changed' where partition = 3`,
    finds: /partition 3 has stopped: incarnation-changed/,
    mend: 'update spandrel.partitions set stopped = null',
  },
  {
    check: 'stream-room',
    about: 'stream',
    by: 'update spandrel_stream.heads set head = head + 1000000',
    finds: /the channel pair\.greetings is full to \d+ %: outboxes wait/,
    mend: 'update spandrel_stream.heads set head = head - 1000000',
  },
]
