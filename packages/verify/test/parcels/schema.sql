-- Of the plain service. Effects (orders_done, parcels) have no unique constraint: a second effect shows.
create table keys (kind text, key text, body text not null, answer text, primary key (kind, key));
create table orders (kind text not null, reference text not null, correlation text not null, broken boolean not null, status text not null default 'accepted');
create table orders_done (kind text not null, reference text not null);
create table parcels (id bigint generated always as identity, reference text not null, order_id text not null);
create table seen (source text, id text, primary key (source, id));
create table intents (reference text primary key);
create table outbox (id bigint generated always as identity primary key, channel text not null, attributes jsonb not null, data text not null);
create table parked (
  id bigint generated always as identity primary key, key text not null, attributes text not null, data text not null,
  attempts int not null default 0, due timestamptz not null default clock_timestamp(), dead boolean not null default false
);
create table positions (partition int primary key, position bigint not null);
