-- The audit. It stands outside: it reads what the services wrote down, what the card network wrote down and what the
-- shopper asked and was told, and uses nothing of Spandrel's code.
--
-- It runs in a database of its own, into which the tables were copied beforehand, as they are (copy-tables.ts):
--   orders, inventory, payments, shipping, ledger    schema `public` of each service's database
--   orders_road, …, ledger_road                      schema `spandrel` of the same
--   stream                                           schema `spandrel_stream` of the stream's database
--   shopper.log, cardnet.charges                     one row a line: `line jsonb`
--
-- Its last two statements give the answer: findings (law, kind, about, what), and one row of numbers.

-- ── what was asked and told ────────────────────────────────────────────────────────────────────────────────────────
create temp view asked as
select line ->> 'storefront' as storefront, line ->> 'key' as key, line ->> 'reference' as reference,
  (line ->> 'copy')::int as copy, (line ->> 'poison')::boolean as poison
from shopper.log where line ->> 'what' = 'asked';

create temp view told as
select line ->> 'storefront' as storefront, line ->> 'key' as key, line ->> 'reference' as reference,
  (line ->> 'status')::int as status, (line ->> 'orderId')::uuid as order_id
from shopper.log where line ->> 'what' = 'told';

-- One purchase is one key of one storefront, whatever was sent with it.
create temp view purchases as
select storefront, key, array_agg(distinct reference) as references_asked, bool_or(copy > 0) as at_once, bool_or(poison) as poison
from asked group by storefront, key;

create temp view poisoned as
select o.order_id from orders.orders o join asked a using (reference) where a.poison;

-- ── what happened, and what had to ─────────────────────────────────────────────────────────────────────────────────
create temp view steps as
select order_id, step, count(*) as times from (
  select order_id, 'order: ' || what as step from orders.order_history
  union all select order_id, 'stock: ' || what from inventory.stock_movements where order_id is not null
  union all select order_id, 'payment: ' || what from payments.payments
  union all select order_id, 'shipment: ' || what from shipping.shipments
  union all select order_id, 'ledger: ' || what from ledger.bookings where account = 'card-receivables'
) s group by order_id, step;

create temp view causes as
select order_id, step as cause from steps
union all
select order_id, 'rejected with stock reserved' from steps where step in ('order: rejected', 'stock: reserved')
  group by order_id having count(*) = 2
union all
select order_id, 'rejected with payment captured' from steps where step in ('order: rejected', 'payment: captured')
  group by order_id having count(*) = 2;

-- The road: because of this, that message goes from here to there, where it has one of these effects.
create temp table road (cause text, message text, sender text, receiver text, channel text, effects text[]);
insert into road values
  ('order: placed', 'orderPlaced', 'orders', 'inventory', 'shop.orders', '{stock: reserved, stock: refused}'),
  ('stock: refused', 'stockRejected', 'inventory', 'orders', 'shop.inventory', '{order: rejected}'),
  ('stock: reserved', 'stockReserved', 'inventory', 'payments', 'shop.inventory', '{payment: captured, payment: declined}'),
  ('payment: declined', 'paymentDeclined', 'payments', 'orders', 'shop.payments', '{order: rejected}'),
  ('payment: captured', 'paymentCaptured', 'payments', 'shipping', 'shop.payments', '{shipment: booked, shipment: refused}'),
  ('payment: captured', 'paymentCaptured', 'payments', 'ledger', 'shop.payments', '{ledger: capture}'),
  ('shipment: booked', 'shipmentBooked', 'shipping', 'orders', 'shop.shipping', '{order: booked}'),
  ('shipment: booked', 'shipmentDispatched', 'shipping', 'orders', 'shop.shipping', '{order: completed}'),
  ('shipment: refused', 'shipmentFailed', 'shipping', 'orders', 'shop.shipping', '{order: rejected}'),
  ('rejected with stock reserved', 'releaseStock', 'orders', 'inventory', 'shop.inventory.requests', '{stock: released}'),
  ('rejected with payment captured', 'refundPayment', 'orders', 'payments', 'shop.payments.requests', '{payment: refunded}'),
  ('stock: released', 'stockReleased', 'inventory', 'orders', 'shop.inventory', '{order: stock-released}'),
  ('payment: refunded', 'paymentRefunded', 'payments', 'orders', 'shop.payments', '{order: payment-refunded}'),
  ('payment: refunded', 'paymentRefunded', 'payments', 'ledger', 'shop.payments', '{ledger: refund}');

-- ── where the messages are ─────────────────────────────────────────────────────────────────────────────────────────
create temp table outboxes as
select service, type, order_id, source, message_id from (
  select 'orders' as service, attributes::jsonb as a from orders_road.outbox
  union all select 'inventory', attributes::jsonb from inventory_road.outbox
  union all select 'payments', attributes::jsonb from payments_road.outbox
  union all select 'shipping', attributes::jsonb from shipping_road.outbox
) o, lateral (select a ->> 'type' as type, a ->> 'partitionkey' as order_id, a ->> 'source' as source, a ->> 'id' as message_id) v;

create temp table sents as
select service, type, attributes::jsonb ->> 'partitionkey' as order_id from (
  select 'orders' as service, type, attributes from orders_road.sent
  union all select 'inventory', type, attributes from inventory_road.sent
  union all select 'payments', type, attributes from payments_road.sent
  union all select 'shipping', type, attributes from shipping_road.sent
) s;

create temp table inboxes as
select 'orders' as service, subscription, source, message_id, type, outcome, partitionkey as order_id from orders_road.inbox
union all select 'inventory', subscription, source, message_id, type, outcome, partitionkey from inventory_road.inbox
union all select 'payments', subscription, source, message_id, type, outcome, partitionkey from payments_road.inbox
union all select 'shipping', subscription, source, message_id, type, outcome, partitionkey from shipping_road.inbox
union all select 'ledger', subscription, source, message_id, type, outcome, partitionkey from ledger_road.inbox;

create temp table holds as
select 'orders' as service, side, subscription, source, message_id, type, state, reason, partitionkey as order_id from orders_road.held_messages
union all select 'inventory', side, subscription, source, message_id, type, state, reason, partitionkey from inventory_road.held_messages
union all select 'payments', side, subscription, source, message_id, type, state, reason, partitionkey from payments_road.held_messages
union all select 'shipping', side, subscription, source, message_id, type, state, reason, partitionkey from shipping_road.held_messages
union all select 'ledger', side, subscription, source, message_id, type, state, reason, partitionkey from ledger_road.held_messages;

create temp table claims as
select service, key from (
  select 'orders' as service, key, state from orders_road.keys
  union all select 'inventory', key, state from inventory_road.keys
  union all select 'payments', key, state from payments_road.keys
  union all select 'shipping', key, state from shipping_road.keys
) k where state = 'claimed';

create temp table positions as
select subscription, partition, position from orders_road.partitions
union all select subscription, partition, position from inventory_road.partitions
union all select subscription, partition, position from payments_road.partitions
union all select subscription, partition, position from shipping_road.partitions
union all select subscription, partition, position from ledger_road.partitions;

create temp table journals as
select subscription, source, message_id, kind, actor, why from orders_road.journal
union all select subscription, source, message_id, kind, actor, why from inventory_road.journal
union all select subscription, source, message_id, kind, actor, why from payments_road.journal
union all select subscription, source, message_id, kind, actor, why from shipping_road.journal
union all select subscription, source, message_id, kind, actor, why from ledger_road.journal;

create temp table appended as
select c.address as channel, l.partition, l."offset", l.attributes::jsonb ->> 'source' as source, l.attributes::jsonb ->> 'id' as message_id,
  l.attributes::jsonb ->> 'type' as type, l.attributes::jsonb ->> 'partitionkey' as order_id
from stream.log l join stream.channels c on c.id = l.channel;

-- Each message and each subscription of its channel: where it came to an end. A message may have been appended more
-- than once; it has been passed only when its last copy has.
create temp table deliveries as
select s.name as subscription, a.channel, a.source, a.message_id, a.type, a.order_id, count(*) as copies,
  bool_and(coalesce(p.position, 0) >= a."offset") as passed
from appended a
join stream.channels c on c.address = a.channel
join stream.subscriptions s on s.channel = c.id
left join positions p on p.subscription = s.name and p.partition = a.partition
group by 1, 2, 3, 4, 5, 6;

-- Channels the stream has cut: an old message that is not there may well have been.
create temp table cut as
select distinct c.address as channel from stream.heads h join stream.channels c on c.id = h.channel where h.tail > 0;

analyze outboxes; analyze sents; analyze inboxes; analyze holds; analyze appended; analyze deliveries; analyze journals;

-- ── findings ───────────────────────────────────────────────────────────────────────────────────────────────────────
create temp table findings (law int, kind text, about text, what text);

-- Every 202 has its order.
insert into findings
select distinct 4, 'lost', t.reference, format('told 202 for order %s, which does not exist', t.order_id)
from told t where t.status = 202 and not exists (select 1 from orders.orders o where o.order_id = t.order_id);

-- Every retry of one key is one order, and a purchase without an answer has at most one.
insert into findings
select case when p.at_once then 5 else 4 end, 'twice', p.storefront || ' ' || p.key,
  format('%s orders for one key: %s', count(*), string_agg(o.order_id::text, ', '))
from purchases p join orders.orders o on o.reference = any (p.references_asked)
where cardinality(p.references_asked) = 1
group by p.storefront, p.key, p.at_once having count(*) > 1;

insert into findings
select 4, 'twice', storefront || ' ' || key, format('told of %s different orders', count(distinct order_id))
from told where status = 202 group by storefront, key, reference having count(distinct order_id) > 1;

-- The same key with another basket is refused, and is no order.
insert into findings
select 6, 'twice', p.storefront || ' ' || p.key, format('one key, two baskets, %s orders', count(*))
from purchases p join orders.orders o on o.reference = any (p.references_asked)
where cardinality(p.references_asked) > 1
group by p.storefront, p.key having count(*) > 1;

-- Refused for good is not ordered.
insert into findings
select distinct 4, 'twice', t.reference, format('told %s, and ordered all the same', t.status)
from told t join orders.orders o using (reference) where t.status in (404, 422)
  and not exists (select 1 from told x where x.reference = t.reference and x.storefront = t.storefront and x.status = 202);

-- An order that nobody asked for.
insert into findings
select 1, 'twice', o.order_id::text, 'an order that nobody asked for'
from orders.orders o where not exists (select 1 from asked a where a.reference = o.reference);

-- What had to happen and did not, and the message that was to make it happen.
create temp table missing as
select c.order_id::text as order_id, r.* from causes c join road r using (cause)
where not exists (select 1 from steps s where s.order_id = c.order_id and s.step = any (r.effects))
  and not exists (select 1 from holds h where h.service = r.receiver and h.order_id = c.order_id::text and h.type = r.message);

insert into findings
select case why when 'outbox' then 1 when 'unsent' then 4 when 'unappended' then 2 when 'suppressed' then 4 when 'ineffective' then 4
    when 'skipped' then 3 else 1 end,
  'lost', order_id,
  format('%s, but no %s at %s: %s %s', cause, array_to_string(effects, ' or '), receiver, message, case why
    when 'outbox' then 'is still in the outbox of ' || sender
    when 'unsent' then 'was never in the outbox of ' || sender || ', though what it tells of was committed'
    when 'unappended' then 'left the outbox of ' || sender || ' and never came to the stream'
    when 'suppressed' then 'was suppressed by a key that is not done'
    when 'ineffective' then 'counts as handled'
    when 'skipped' then 'was settled and never handled'
    else 'has not arrived' end)
from (
  select m.*, case
    when exists (select 1 from outboxes o where o.service = m.sender and o.type = m.message and o.order_id = m.order_id) then 'outbox'
    when not in_stream and not exists (select 1 from sents s where s.service = m.sender and s.type = m.message and s.order_id = m.order_id)
      then 'unsent'
    when not in_stream then 'unappended'
    when exists (select 1 from claims k where k.service = m.receiver and k.key = m.order_id) then 'suppressed'
    when exists (select 1 from inboxes i where i.service = m.receiver and i.type = m.message and i.order_id = m.order_id and i.outcome = 'suppressed')
      then 'suppressed'
    when exists (select 1 from inboxes i where i.service = m.receiver and i.type = m.message and i.order_id = m.order_id) then 'ineffective'
    when exists (select 1 from deliveries d where d.subscription = m.receiver || ':' || m.channel and d.type = m.message and d.order_id = m.order_id and d.passed)
      then 'skipped'
    else 'late' end as why
  from (
    select m.*, exists (select 1 from appended a where a.channel = m.channel and a.type = m.message and a.order_id = m.order_id)
      or exists (select 1 from cut where cut.channel = m.channel) as in_stream
    from missing m
  ) m
) m;

-- Every step once.
insert into findings select 4, 'twice', order_id::text, format('%s, %s times', step, times) from steps where times > 1;
insert into findings
select 4, 'twice', s.order_id::text, format('both %s', string_agg(s.step, ' and '))
from road r join steps s on s.step = any (r.effects) where cardinality(r.effects) > 1
group by s.order_id, r.message, r.receiver having count(*) > 1;
insert into findings
select 4, 'twice', sku, format('%s more were reserved than there are', -sum(quantity)) from inventory.stock_movements
group by sku having sum(quantity) < 0;
insert into findings
select 4, 'twice', line ->> 'charge', format('refunded %s times at cardnet', count(*)) from cardnet.charges
where line ->> 'what' = 'refund' group by line ->> 'charge' having count(*) > 1;
insert into findings
select 4, 'twice', line ->> 'reference', format('charged %s times at cardnet', count(*)) from cardnet.charges
where line ->> 'what' = 'charge' group by line ->> 'reference' having count(*) > 1;

-- Nothing without its cause: a message that was rolled back reaches nobody.
insert into findings
select distinct 1, 'twice', s.order_id::text, format('%s, and nothing that leads to it', s.step) from steps s
where s.step <> 'order: placed'
  and not exists (select 1 from road r join causes c using (cause) where c.order_id = s.order_id and s.step = any (r.effects));
insert into findings
select 4, 'twice', order_id::text, 'a history, and no order' from steps s
where s.step = 'order: placed' and not exists (select 1 from orders.orders o where o.order_id = s.order_id);
insert into findings
select 4, 'lost', p.order_id::text, format('captured here, and no charge %s at cardnet', p.charge_id) from payments.payments p
where p.what = 'captured' and not exists (select 1 from cardnet.charges c where c.line ->> 'id' = p.charge_id);

-- Messages of one order are handled in the order they were sent in.
insert into findings
select 7, 'order', order_id::text, 'completed before it was booked' from orders.order_history
group by order_id having min(seq) filter (where what = 'completed') < min(seq) filter (where what = 'booked');
insert into findings
select 7, 'order', c.order_id::text, 'completed while the booking is held' from orders.order_history c
join holds h on h.service = 'orders' and h.order_id = c.order_id::text and h.type = 'shipmentBooked' where c.what = 'completed';
insert into findings
select 7, 'order', order_id::text, 'the ledger booked the refund before the capture' from ledger.bookings
group by order_id having min(seq) filter (where what = 'refund') < min(seq) filter (where what = 'capture');

-- Held: the seeded poison, and what waits behind it.
insert into findings
select case when state = 'dead' then 8 else 1 end, 'held', coalesce(order_id, message_id),
  format('%s is %s at %s (%s)', type, state, service, coalesce(reason, 'no reason given'))
from holds where order_id is null or order_id not in (select p.order_id::text from poisoned p);

-- Nothing but the seeded poison is anybody's failure: no kill, and no outage, has cost a message an attempt.
insert into findings
select distinct 8, 'other', d.order_id, format('an attempt of %s was counted by %s: %s', d.type, d.subscription, coalesce(j.why, 'no reason given'))
from journals j join deliveries d using (subscription, source, message_id)
where j.kind = 'attempt-failed' and d.order_id not in (select p.order_id::text from poisoned p);

-- Each message and subscription: exactly one of on its way, held, or in the inbox with an outcome.
insert into findings
select 9, 'lost', coalesce(order_id, message_id), format('%s was passed by %s and is nowhere', type, subscription) from deliveries d
where passed
  and not exists (select 1 from inboxes i where (i.subscription, i.source, i.message_id) = (d.subscription, d.source, d.message_id))
  and not exists (select 1 from holds h where (h.subscription, h.source, h.message_id) = (d.subscription, d.source, d.message_id));
insert into findings
select 9, 'other', coalesce(order_id, message_id), format('%s is held by %s and in its inbox', i.type, i.subscription) from inboxes i
join (select subscription, source, message_id from holds) h using (subscription, source, message_id);
insert into findings
select 1, 'late', coalesce(order_id, message_id), format('%s has not come to %s', type, subscription) from deliveries d
where not passed;
insert into findings
select 1, 'late', coalesce(order_id, message_id), format('%s is still in the outbox of %s', type, service) from outboxes;

-- Copies were recorded as what they are; nothing was given up without a name and a reason.
insert into findings
select 10, 'other', d.message_id, format('%s came %s times to %s and %s of them were recorded', d.type, d.copies, d.subscription,
  count(j.kind))
from deliveries d
left join journals j on (j.subscription, j.source, j.message_id) = (d.subscription, d.source, d.message_id) and j.kind in ('duplicate', 'suppressed')
where d.copies > 1 and d.passed
group by d.subscription, d.source, d.message_id, d.type, d.copies having count(j.kind) < d.copies - 1;
insert into findings
select 10, 'other', message_id, 'discarded without a name or a reason' from journals
where kind = 'discard' and (coalesce(actor, '') = '' or coalesce(why, '') = '');

-- ── the answer ─────────────────────────────────────────────────────────────────────────────────────────────────────
select law, kind, about, what from findings order by law, about, what;

select
  (select count(*)::int from orders.orders) as placed,
  (select count(distinct order_id)::int from orders.order_history where what = 'completed') as completed,
  (select count(distinct order_id)::int from orders.order_history where what = 'rejected') as rejected,
  (select count(*)::int from orders.orders o where not exists (
    select 1 from orders.order_history h where h.order_id = o.order_id and h.what in ('completed', 'rejected'))) as open,
  (select count(distinct about)::int from findings where kind = 'lost') as lost,
  (select coalesce(sum(times - 1), 0)::int from (
    select count(*) as times from cardnet.charges where line ->> 'what' = 'charge' group by line ->> 'reference') c) as doubled,
  (select count(*)::int from (
    select 1 from cardnet.charges where line ->> 'what' = 'charge' group by line ->> 'reference' having count(*) > 1) c) as charged_twice,
  (select coalesce(sum((line ->> 'amount')::int * case line ->> 'what' when 'charge' then 1 else -1 end), 0)::int from cardnet.charges)
    - (select coalesce(sum(amount), 0)::int from ledger.bookings where account = 'card-receivables') as ledger_difference;
