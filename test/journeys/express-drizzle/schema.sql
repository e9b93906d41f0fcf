create table orders (
  id int primary key generated always as identity,
  drink text not null,
  cups int not null check (cups > 0)
);
