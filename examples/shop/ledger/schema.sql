-- Which messages were booked already. Written in the transaction that books: a message that arrives again, which at
-- least once allows, finds itself here. Keep rows as long as a message can still arrive (the contract says 30 days).
create table seen (
  source text not null,
  id text not null,
  at timestamptz not null default clock_timestamp(),
  primary key (source, id)
);

-- Double entry, append-only: the lines of one booking add up to nothing. No unique constraint, on purpose (see orders).
create table bookings (
  seq bigint generated always as identity,
  booking uuid not null,
  what text not null,    -- capture, refund
  account text not null, -- card-receivables, sales
  amount int not null,   -- cents; debit positive, credit negative
  order_id uuid not null,
  at timestamptz not null default clock_timestamp()
);
create index bookings_by_order on bookings (order_id);
