"""What a query costs, of one shape after the other, beside other servers: `make bench`."""
