-- Of the service on the runtime, which keeps its own tables beside these. No unique constraint: a second effect shows.
create table orders (kind text not null, reference text not null, status text not null);
create table orders_done (kind text not null, reference text not null);
create table parcels (id bigint generated always as identity, reference text not null, order_id text not null);
