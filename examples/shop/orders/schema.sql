-- Append-only: what happened is inserted, never changed. No unique constraint stands behind any of it, on purpose:
-- a message handled twice or a request run twice would show as a second row, and the audit would find it.

create table orders (
  order_id uuid not null,
  reference text not null,
  sku text not null,
  quantity int not null,
  total int not null,
  currency text not null,
  placed_at timestamptz not null default clock_timestamp()
);
create index orders_by_id on orders (order_id);
create index orders_by_reference on orders (reference);

-- An order's status is what its history says.
create table order_history (
  seq bigint generated always as identity,
  order_id uuid not null,
  what text not null, -- placed, booked, completed, rejected, stock-released, payment-refunded
  detail text,
  at timestamptz not null default clock_timestamp()
);
create index order_history_by_order on order_history (order_id);
