"""How fast this service is, beside what people use today: `make bench`."""
