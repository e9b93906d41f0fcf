-- The postgres transport's own database objects (schema spandrel_stream), apart from any service's data.

-- A new incarnation means that positions from before are meaningless.
create table spandrel_stream.incarnation (
  id text not null default gen_random_uuid()::text,
  created_at timestamptz not null default now()
);
insert into spandrel_stream.incarnation default values;

create table spandrel_stream.channels (
  address text primary key,
  id int generated always as identity unique,
  partitions int not null,
  max_messages bigint not null, -- past it the log refuses appends and outboxes wait
  max_bytes int                -- of one message; null: the transport's own limit
);

-- Offsets are given under this row's lock, held to commit: offset order is commit order, without gaps.
create table spandrel_stream.heads (
  channel int not null,
  partition int not null,
  head bigint not null default 0, -- newest offset
  tail bigint not null default 0, -- everything up to here was trimmed
  primary key (channel, partition)
) with (fillfactor = 50);

create table spandrel_stream.log (
  channel int not null,
  partition int not null,
  "offset" bigint not null,
  attributes text not null,
  data text not null,
  appended_at timestamptz not null default clock_timestamp(),
  primary key (channel, partition, "offset")
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0);

create table spandrel_stream.subscriptions (
  name text not null,
  channel int not null,
  registered_at timestamptz not null default now(),
  primary key (name, channel)
);

-- Copies of the consumers' positions, for trimming and lag only.
create table spandrel_stream.positions (
  name text not null,
  channel int not null,
  partition int not null,
  position bigint not null,
  at timestamptz not null default now(),
  primary key (name, channel, partition)
) with (fillfactor = 50);
