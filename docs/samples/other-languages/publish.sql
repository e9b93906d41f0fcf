-- One transaction: your row, and the message about it. Both or neither.
begin;
insert into orders (drink) values ('flat white');
select spandrel.publish('coffee.orders', 'coffeeOrdered', '{"orderId": 1, "drink": "flat white"}', key => '1');
commit;
