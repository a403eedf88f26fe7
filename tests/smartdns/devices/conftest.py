"""Resolvers on real sockets, with the fast path and without."""

from tests.smartdns.resolver.conftest import fast, make_resolver, resolver

__all__ = ["fast", "make_resolver", "resolver"]
