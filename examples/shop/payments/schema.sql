create table prices (
  sku text primary key,
  unit_price int not null, -- cents
  currency text not null
);

-- Append-only: what was done with whose card. No unique constraint, on purpose (see orders).
create table payments (
  seq bigint generated always as identity,
  order_id uuid not null,
  what text not null, -- captured, declined, refunded
  amount int not null,
  currency text not null,
  charge_id text,
  at timestamptz not null default clock_timestamp()
);
create index payments_by_order on payments (order_id);
