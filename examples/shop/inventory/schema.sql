-- What the warehouse sells. Reservations lock a product's row, so that two of them never count the same shelf.
create table products (
  sku text primary key,
  title text not null
);

-- Append-only: the stock of a product is the sum of its movements. No unique constraint, on purpose (see orders).
create table stock_movements (
  seq bigint generated always as identity,
  sku text not null,
  quantity int not null, -- what is on the shelf changes by this
  what text not null,    -- delivered, reserved, refused, released
  order_id uuid,
  note text,             -- of the delivery it came with
  at timestamptz not null default clock_timestamp()
);
create index stock_movements_by_sku on stock_movements (sku);
create index stock_movements_by_note on stock_movements (note);
create index stock_movements_by_order on stock_movements (order_id);
