-- Spandrel's own schema in a service's database. Applied by `spandrel migrate`, in one transaction, under a lock.

-- One service a schema: two that shared these tables would lose each other's messages.
create table spandrel.service (
  name text not null,
  source text not null,   -- CloudEvents `source` of what `publish` sends
  version text not null,  -- of the contract that was migrated last
  registered_at timestamptz not null default now()
);
create unique index service_is_one on spandrel.service ((true));

-- What `spandrel.publish` must know of channels; written by `migrate` from the contracts.
create table spandrel.channels (
  address text primary key,
  ordered boolean not null,
  partitions int not null
);

-- The outbox. Rows are inserted and deleted, never updated. The default of `id` takes the transaction id before the
-- sequence value: the relay's low-water mark rests on it (outbox/low-water-mark.ts).
create sequence spandrel.outbox_id cache 1;
create table spandrel.outbox (
  id bigint primary key
    default (case when pg_current_xact_id() is not null then nextval('spandrel.outbox_id') end),
  channel text not null,
  partitionkey text,
  attributes text not null, -- CloudEvents attributes, a JSON object
  data text not null,       -- JSON text as sent
  validated boolean not null default false -- by `publish`: not yet, the relay does it
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- What was confirmed by the transport: feeds journeys, bounded by retention. `data` only where asked for.
create table spandrel.sent (
  id bigint primary key,
  channel text not null,
  source text not null,
  message_id text not null,
  type text not null,
  correlationid text,
  attributes text not null,
  data text,
  sent_at timestamptz not null default clock_timestamp()
);
create index sent_by_correlation on spandrel.sent (correlationid);

-- Leases of loops that one process at a time should run (relay, expiry). They save work; order does not rest on them.
create table spandrel.leases (
  name text primary key,
  owner text,
  epoch bigint not null default 0,
  until timestamptz
);

-- Key records: intents that are being, or have been, handled. One table for HTTP operations and receives.
create table spandrel.keys (
  operation text not null,
  scope text not null,
  key text not null,
  fingerprint text not null,
  state text not null check (state in ('claimed', 'done')),
  outcome text check (outcome in ('answered', 'handled', 'discarded', 'edited')),
  -- the remembered answer of an HTTP operation
  status int,
  headers text,
  body text,
  -- the message that was handled under this key
  source text,
  message_id text,
  subscription text,
  partitionkey text,
  -- a claim that is held outside a transaction (external effects): leased and fenced
  owner text,
  epoch bigint not null default 0,
  lease_until timestamptz,
  correlationid text,
  claimed_at timestamptz not null default clock_timestamp(),
  done_at timestamptz,
  expires_at timestamptz,
  primary key (operation, scope, key)
);
create index keys_by_expiry on spandrel.keys (expires_at) where expires_at is not null;

-- Subscriptions of this service, written by `migrate`.
create table spandrel.subscriptions (
  name text primary key, -- <service>:<channel address>
  channel text not null
);

-- Ownership of a partition of a subscription, and its position. The fence of every consumer transaction.
create table spandrel.partitions (
  subscription text not null,
  partition int not null,
  owner text,             -- null: released cleanly
  epoch bigint not null default 0,
  backend int,            -- server process of the owner's open transaction
  until timestamptz,
  position bigint not null default 0,
  incarnation text,
  stopped text,           -- why this partition stopped and waits for an operator
  careful_until bigint not null default 0, -- after an unclean death: one message at a time up to here
  marked_offset bigint,   -- the message being tried in that mode: its offset, or minus the id of a held one
  marked_alone boolean not null default false, -- and nothing else was running in that process
  primary key (subscription, partition)
);

-- Delivery identities: what became of each (message, subscription). Held ones stand in `held` instead.
create table spandrel.inbox (
  subscription text not null,
  source text not null,
  message_id text not null,
  operation text,
  type text not null,
  outcome text not null check (outcome in ('handled', 'suppressed', 'discarded', 'edited', 'ignored')),
  by_source text,         -- suppressed: by which message
  by_message_id text,
  partition int not null,
  "offset" bigint not null,
  epoch bigint not null,
  partitionkey text,
  correlationid text,
  at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  primary key (subscription, source, message_id)
);
create index inbox_by_correlation on spandrel.inbox (correlationid);
create index inbox_by_expiry on spandrel.inbox (expires_at);

-- Messages somebody could not finish: retrying, waiting, dead. One table for consumers and for a producer's rows
-- that can never be sent (side 'producer': subscription is null, `channel` says where it was to go).
-- Order within a key is `id`: arrival in the partition.
create table spandrel.held (
  id bigint generated always as identity primary key,
  side text not null default 'consumer' check (side in ('consumer', 'producer')),
  subscription text,
  channel text not null,
  operation text,
  partition int,
  partitionkey text,
  source text not null,
  message_id text not null,
  type text not null,
  attributes text not null,
  data text not null,
  attempts int not null default 0,
  due_at timestamptz,     -- a delayed retry
  dead_at timestamptz,    -- a dead letter since
  expires_at timestamptz, -- a dead letter only
  reason text,            -- machine word: threw, timeout, terminal, outage, key-reuse, contract-violation, unknown-type, crashed …
  error text,             -- the error's text, bounded
  contract_version text,
  correlationid text,
  -- what an operator asks of the owner, carried out by it in one transaction
  request text check (request in ('replay', 'discard')),
  requested_by text,
  requested_why text,
  requested_at timestamptz,
  request_past_window boolean not null default false, -- replay although its intent key may have been forgotten by now
  replays int not null default 0,
  held_at timestamptz not null default clock_timestamp()
);
create unique index held_is_one on spandrel.held (coalesce(subscription, ''), channel, source, message_id);
create index held_by_key on spandrel.held (subscription, partition, partitionkey, id);
create index held_by_producer on spandrel.held (channel, partitionkey) where side = 'producer';
create index held_by_request on spandrel.held (id) where request is not null;
create index held_by_expiry on spandrel.held (expires_at) where expires_at is not null;
create index held_by_correlation on spandrel.held (correlationid);

-- `waiting` is derived: not the lowest of its key.
create view spandrel.held_messages as
select h.*,
  case
    when dead_at is not null then 'dead'
    when exists (
      select 1 from spandrel.held earlier
      where earlier.side = h.side and earlier.subscription is not distinct from h.subscription
        and earlier.channel = h.channel
        and earlier.partition is not distinct from h.partition
        and earlier.partitionkey = h.partitionkey and earlier.id < h.id
    ) then 'waiting'
    else 'retrying'
  end as state
from spandrel.held h;

-- Nothing is silent: who did what, when and why. Bounded by retention. Feeds journeys.
create table spandrel.journal (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  kind text not null,     -- received, answered, replayed-answer, attempt-failed, attempt-died, suppressed, held, dead, replay, discard, expired, takeover, note, call, pushed …
  correlationid text,
  operation text,
  subscription text,
  source text,
  message_id text,
  causationid text,
  actor text,
  why text,
  detail text             -- JSON object
);
create index journal_by_correlation on spandrel.journal (correlationid);
create index journal_by_time on spandrel.journal (at);

-- Writes the outbox from any language, inside the caller's own transaction:
--   select spandrel.publish('orders', 'orderPlaced', '{"orderId": "o1"}', key => 'o1')
-- Returns the message's id. Refuses what would be lost or out of order; the payload is validated by the relay.
create function spandrel.publish(
  channel text,
  type text,
  data jsonb,
  key text default null,
  correlationid text default null,
  causationid text default null,
  id text default null,
  headers jsonb default '{}' -- further CloudEvents attributes: { "traceparent": "…" }
) returns text language plpgsql as $publish$
#variable_conflict use_variable
declare
  known record;
  random text;
  attributes jsonb;
  wrong text;
begin
  if channel is null or type is null or data is null then
    raise exception using errcode = '22004', message = 'spandrel.publish needs a channel, a type and data';
  end if;
  select c.ordered, s.source, s.name, s.version into known
    from spandrel.channels c, spandrel.service s where c.address = channel;
  if not found then
    raise exception using errcode = '22023',
      message = format('spandrel.publish: unknown channel %L', channel),
      hint = 'it must be in a contract of this service; run `spandrel migrate` after adding it';
  end if;
  if known.ordered and key is null then
    raise exception using errcode = '22004',
      message = format('spandrel.publish: channel %L is ordered, so a key is needed', channel),
      hint = 'pass `key => …`: what the contract names in `ordering.by`';
  end if;
  select string_agg(h.name, ', ') into wrong
    from jsonb_each(coalesce(headers, '{}')) h (name, value)
    where h.name !~ '^[a-z0-9]{1,30}$' or jsonb_typeof(h.value) not in ('string', 'null')
      or h.name in ('specversion', 'id', 'source', 'type', 'time', 'datacontenttype', 'dataschema', 'partitionkey',
                    'correlationid', 'causationid', 'data');
  if wrong is not null then
    raise exception using errcode = '22023',
      message = format('spandrel.publish: not a further CloudEvents attribute: %s', wrong),
      hint = 'names are lower-case letters and digits, values are strings; the core attributes have parameters of their own';
  end if;
  if id is null then
    -- UUID version 7: ids that grow keep the receivers' indexes small
    random := replace(gen_random_uuid()::text, '-', '');
    id := (lpad(to_hex(floor(extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0')
      || '7' || substr(random, 14))::uuid::text;
  end if;
  attributes := jsonb_strip_nulls(coalesce(headers, '{}') || jsonb_build_object(
    'specversion', '1.0',
    'id', id,
    'source', known.source,
    'type', type,
    'time', to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'datacontenttype', 'application/json',
    'dataschema', 'urn:spandrel:' || known.name || ':' || known.version,
    'partitionkey', key,
    'correlationid', coalesce(correlationid, id),
    'causationid', causationid));
  insert into spandrel.outbox (channel, partitionkey, attributes, data)
    values (channel, key, attributes::text, data::text);
  return id;
end $publish$;
