create table orders (id int generated always as identity primary key, drink text not null);
create table brews (order_id int not null);
