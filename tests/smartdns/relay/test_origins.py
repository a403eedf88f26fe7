import ipaddress

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from smartdns.answering.query import Name
from smartdns.relay.admission import OriginRules
from smartdns.relay.origins import MOST_ADDRESSES, MOST_NAMES, Origins, is_local, order
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
    for number in range(MOST_NAMES + 10):
        origins.find(Name(number.to_bytes(4)), 443)
    assert len(origins._known) <= MOST_NAMES


def test_this_machines_addresses_are_known_by_binding_to_them() -> None:
    """Loopback is ours; an address for documentation is nobody's."""
    assert is_local(ipaddress.ip_address("127.0.0.1"))
    assert not is_local(ipaddress.ip_address("192.0.2.1"))


def test_the_last_addresses_do_while_nobody_answers() -> None:
    """RFC 8767: an upstream that is gone stops no stream of a known origin, for a day at most."""
    clock = Clock()
    upstreams = Upstreams(Resolved(PUBLIC, 60.0))
    origins = Origins(upstreams, OriginRules(), clock.seconds)
    found: list[list[str]] = []

    def find() -> None:
        origins.find(NAME, 443).addCallback(lambda ends: found.append([end.host for end in ends]))

    find()
    upstreams.said = None
    clock.advance(3600.0)
    assert origins.known(NAME, 443) is None
    find()
    assert origins.known(NAME, 443) is not None, "each connection would wait for the silence"
    clock.advance(86_400.0)
    find()
    assert found == [["93.184.216.34"], ["93.184.216.34"], []]


def test_a_name_that_is_gone_is_not_taken_for_silence() -> None:
    """An upstream that answers, and knows no address, is believed."""
    clock = Clock()
    upstreams = Upstreams(Resolved(PUBLIC, 60.0))
    origins = Origins(upstreams, OriginRules(), clock.seconds)
    origins.find(NAME, 443)
    upstreams.said = Resolved((), 60.0)
    clock.advance(61.0)
    found: list[object] = []
    origins.find(NAME, 443).addCallback(found.append)
    assert found == [()]


def test_families_take_turns_and_each_address_comes_once() -> None:
    """RFC 8305 section 4: IPv6 first, then in turn."""
    texts = ["192.0.2.1", "192.0.2.2", "192.0.2.1", "2001:db8::1"]
    ordered = order(map(ipaddress.ip_address, texts))
    assert [host for _, host in ordered] == ["2001:db8::1", "192.0.2.1", "192.0.2.2"]


def test_the_number_of_attempts_is_bounded() -> None:
    """A name with many addresses costs no more than one with a few."""
    many = [ipaddress.ip_address(f"192.0.2.{number}") for number in range(100)]
    assert len(order(many)) == MOST_ADDRESSES


def test_an_endpoint_shows_nothing() -> None:
    """Where somebody goes appears in no log, whoever prints it."""
    assert "192.0.2.1" not in repr(order([ipaddress.ip_address("192.0.2.1")]))
