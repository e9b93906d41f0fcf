-- Append-only: what was booked with a carrier, or could not be. No unique constraint, on purpose (see orders).
create table shipments (
  seq bigint generated always as identity,
  order_id uuid not null,
  what text not null, -- booked, refused
  tracking_code text,
  at timestamptz not null default clock_timestamp()
);
create index shipments_by_order on shipments (order_id);
