-- Key records that a gateway keeps for services that keep none. Applied by `spandrel migrate`.

create table spandrel_gateway.keys (
  operation text not null,   -- <service>.<operation>
  scope text not null,
  key text not null,
  fingerprint text not null,
  state text not null check (state in ('claimed', 'done')),
  -- answered: the answer is kept · not-kept: it was too large · unknown: the exchange broke, nobody knows what it did
  outcome text check (outcome in ('answered', 'not-kept', 'unknown')),
  status int,
  headers text,              -- JSON object: name → value or values
  body text,
  body_encoding text check (body_encoding in ('utf-8', 'base64')),
  -- the fence: an outcome is written only by the claim that holds the key. `owner` is <gateway process>/<claim>, which
  -- no other claim ever is; `epoch` counts how often the key was claimed
  owner text not null,
  epoch bigint not null,
  lease_until timestamptz not null,
  correlationid text,
  claimed_at timestamptz not null default clock_timestamp(),
  done_at timestamptz,
  -- set with the claim, and moved only where the outcome came later than a lease: an update of the same page
  expires_at timestamptz not null,
  primary key (operation, scope, key)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000);
create index keys_by_expiry on spandrel_gateway.keys (expires_at);

-- One gateway at a time cleans up. Saves work; nothing rests on it.
create table spandrel_gateway.leases (
  name text primary key,
  owner text,
  until timestamptz
);
