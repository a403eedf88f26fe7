"""Benchmarks against real peers: `make bench`. Not tests: they measure, they do not judge."""
