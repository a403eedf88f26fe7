import ipaddress

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from smartdns.answering.query import Name
from smartdns.relay import dns
from smartdns.relay.destinations import OriginRules
from smartdns.relay.dns import Origins, is_local
from smartdns.upstream.look_up import Resolved

NAME = Name(b"\x04film\x00")
PUBLIC = (b"\x5d\xb8\xd8\x22",)


class Upstreams:
    """Say the same about every name, and count how often they are asked."""

    def __init__(self, said: Resolved | None) -> None:
        self.said = said
        self.asked = 0

    def __call__(self, _name: Name) -> "Deferred[Resolved | None]":
        self.asked += 1
        return succeed(self.said)


def test_what_is_known_holds_as_long_as_its_ttl_between_five_seconds_and_a_minute() -> None:
    """Neither a storm of questions for TTL 0 nor an origin that moved long ago."""
    for ttl, holds in ((0.0, 5.0), (30.0, 30.0), (86_400.0, 60.0)):
        clock = Clock()
        origins = Origins(Upstreams(Resolved(PUBLIC, ttl)), OriginRules(), clock.seconds)
        assert origins.known(NAME, 443) is None
        origins.find(NAME, 443)
        clock.advance(holds - 0.1)
        assert [host for _, host in origins.known(NAME, 443) or ()] == ["93.184.216.34"]
        clock.advance(0.2)
        assert origins.known(NAME, 443) is None


def test_no_answer_is_not_remembered() -> None:
    """The next connection asks again."""
    origins = Origins(Upstreams(None), OriginRules(), Clock().seconds)
    found: list[object] = []
    origins.find(NAME, 443).addCallback(found.append)
    assert found == [()]
    assert origins.known(NAME, 443) is None


def test_each_port_is_judged_for_itself() -> None:
    """Where the relay listens is one port of an address, not all of them."""
    origins = Origins(Upstreams(Resolved(PUBLIC, 60.0)), OriginRules(), Clock().seconds)
    origins.find(NAME, 443)
    assert origins.known(NAME, 80) is None


def test_memory_for_names_is_bounded() -> None:
    """A million names take no more than the bound."""
    clock = Clock()
    origins = Origins(Upstreams(Resolved(PUBLIC, 60.0)), OriginRules(), clock.seconds)
    for number in range(dns.MOST_NAMES + 10):
        origins.find(Name(number.to_bytes(4)), 443)
    assert len(origins._known) <= dns.MOST_NAMES


def test_this_machines_addresses_are_known_by_binding_to_them() -> None:
    """Loopback is ours; an address for documentation is nobody's."""
    assert is_local(ipaddress.ip_address("127.0.0.1"))
    assert not is_local(ipaddress.ip_address("192.0.2.1"))
