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
  max_messages bigint not null -- past it the log refuses appends and outboxes wait
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

-- Appends a batch; the result is the channels that are full, whose messages were left out. Within a partition the
-- messages get offsets in the order given.
--
-- The partitions are locked in ascending order, so that two appends cannot wait for each other, and by a statement of
-- their own: the next one's snapshot is younger than the locks.
create function spandrel_stream.append(channels int[], partitions int[], attributes text[], data text[])
returns int[] language plpgsql as $append$
declare
  is_full int[];
begin
  perform 1 from spandrel_stream.heads h
    where (h.channel, h.partition) in (select c, p from unnest(channels, partitions) as wanted (c, p))
    order by h.channel, h.partition
    for update;
  select array_agg(c.id) into is_full from spandrel_stream.channels c
    where c.id = any (channels)
      and (select sum(h.head - h.tail) from spandrel_stream.heads h where h.channel = c.id) >= c.max_messages;
  with message as (
    select m.channel, m.partition, m.attributes, m.data, m.place,
      row_number() over (partition by m.channel, m.partition order by m.place) as nth,
      count(*) over (partition by m.channel, m.partition) as many
    from unnest(channels, partitions, attributes, data) with ordinality as m (channel, partition, attributes, data, place)
    where is_full is null or m.channel <> all (is_full)
  ), moved as (
    update spandrel_stream.heads h set head = h.head + m.many
    from message m where h.channel = m.channel and h.partition = m.partition and m.nth = 1
    returning h.channel, h.partition, h.head - m.many as base
  )
  insert into spandrel_stream.log (channel, partition, "offset", attributes, data)
    select m.channel, m.partition, b.base + m.nth, m.attributes, m.data
    from message m join moved b on b.channel = m.channel and b.partition = m.partition
    order by m.channel, m.partition, m.nth;
  return coalesce(is_full, '{}');
end $append$;
