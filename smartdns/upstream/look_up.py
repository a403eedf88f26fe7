"""Asks the upstreams for the addresses of a name; the relay connects to them."""

from dataclasses import dataclass

from twisted.internet.defer import Deferred, gatherResults

from smartdns.answering.numbers import AAAA, CLASS_IN, A
from smartdns.answering.plan import Forward
from smartdns.answering.query import Name, Question
from smartdns.answering.replies.sanitize import sanitize
from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.upstream.forwarder import Forwarder


@dataclass(frozen=True, slots=True, repr=False)
class Resolved:
    """The addresses in the A and AAAA records of a name."""

    addresses: tuple[bytes, ...]
    """4 or 16 octets each."""
    ttl: float
    """Seconds until the first of them expires."""


def addresses_in(plan: Forward, said: UpstreamReply | None) -> Resolved | None:
    """Conclude an exchange: the addresses asked for; None: no upstream answered."""
    heard = None if said is None else sanitize(plan.question, said, dnssec_ok=False)
    if heard is None:
        return None
    found = tuple(record.data for record in heard.answer if record.type == plan.question.type)
    return Resolved(found, float(heard.ttl))


class LookUp:
    """Asks for A and AAAA at once, through a forwarder whose `conclude` is `addresses_in`."""

    def __init__(self, forwarder: Forwarder[Resolved | None]) -> None:
        self._forwarder = forwarder

    def __call__(self, name: Name) -> Deferred[Resolved | None]:
        """Give the addresses of `name` (perhaps none); None: no upstream answered."""
        asking = [
            self._forwarder.forward(Forward(Question(name, kind, CLASS_IN), False, False))
            for kind in (A, AAAA)
        ]
        return gatherResults(asking).addCallback(_together)


def _together(families: list[Resolved | None]) -> Resolved | None:
    heard = [family for family in families if family is not None]
    if not heard:
        return None
    addresses = tuple(address for family in heard for address in family.addresses)
    ttls = [family.ttl for family in heard if family.addresses] or [0.0]
    return Resolved(addresses, min(ttls))
