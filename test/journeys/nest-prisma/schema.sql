create table orders (id serial primary key, drink text not null);
