"""The memo of streams: a reply given on one stream is given again on others, without a decision.

It is the fast path's memo, used in the reactor's thread. A `Stream` calls `look` before it takes
queries, `reply` for each query, and `learn` with each reply that was decided.
"""

from typing import Final

from smartdns.resolver.fast.memo import MISS, Memo, View
from smartdns.resolver.fast.rates import Networks
from smartdns.resolver.fast.views import Views
from smartdns.resolver.rendering import Rendered
from smartdns.resolver.responder import Responder

HALF_OCTETS: Final = 2 << 20
HALF_REPLIES: Final = 8_000
"""Less than for datagrams: few households use streams."""
_STRANGER: Final = b""


class StreamMemo:
    """The replies given on streams; TCP and TLS share them, for these replies are the same."""

    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self._memo = Memo(HALF_OCTETS, HALF_REPLIES)
        self._views = Views(self._memo, responder)
        self._networks = Networks(lambda address: responder.network_of(address) or _STRANGER)
        self.remembered = 0
        """Queries that needed no decision."""

    def look(self) -> None:
        """Lower TTLs if a second has passed, and forget what no longer holds."""
        second = int(self._responder.clock())
        if second != self._memo.second:
            self._memo.begin_second(second)
        if self._views.begin_epoch():
            self._networks.clear()

    def network_of(self, address: bytes) -> bytes | None:
        """Give the key of the granted network that `address` is in; None: it is a stranger."""
        return self._networks[address] or None

    def view_of(self, address: bytes) -> View | None:
        """Give the view of a client, for `reply` and `learn`; None: it is a stranger."""
        return self._views.of(address)

    def reply(self, query: bytes, view: View) -> bytes | None:
        """Give the reply to `query` if it is remembered in this form or the plain one."""
        key = query[2:]
        vector = view.current[key]
        body = self._memo.in_another_form(view, key) if vector is MISS else self._memo.at(vector)
        if body is None:
            return None
        self.remembered += 1
        return query[:2] + body

    def learn(self, query: bytes, view: View, reply: Rendered) -> None:
        """Keep the reply to `query`; if `view` was forgotten meanwhile, nobody gets it."""
        if reply.valid_until:
            self._memo.remember(view, query[2:], reply, int(self._responder.clock()))

    def forget_askers(self) -> None:
        """Forget all clients' addresses."""
        self._views.forget_addresses()
        self._networks.clear()
