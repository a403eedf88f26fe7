"""Names that are answered here: never forwarded, whatever the type."""

import pytest

from smartdns.answering.knowledge import Switches
from smartdns.answering.names import name_of
from smartdns.answering.rules.local_names import answer_locally
from tests.smartdns.made import AAAA, NOERROR, NXDOMAIN, TXT, A, question

PTR, NS, SOA, DS, SVCB = 12, 2, 6, 43, 64
LOOPBACK6 = "1." + "0." * 31 + "ip6.arpa"

ABSENT = (
    "invalid", "x.invalid", "test", "www.example.test", "onion", "facebookcorewwwi.onion",
    "printer.local", "alt", "use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com",
    "lb._dns-sd._udp.example.com", "lb._dns-sd._udp.0.1.168.192.in-addr.arpa",
    "nas.home.arpa", "1.1.168.192.in-addr.arpa", "4.3.2.10.in-addr.arpa",
    "1.0.16.172.in-addr.arpa", "1.0.31.172.in-addr.arpa", "1.1.254.169.in-addr.arpa",
    "1.0.64.100.in-addr.arpa", "9.9.127.100.in-addr.arpa", "2.0.0.127.in-addr.arpa",
    "1.0.0.0.d.f.ip6.arpa", "1.0.8.e.f.ip6.arpa", "1.b.e.f.ip6.arpa", "x.resolver.arpa",
)  # fmt: skip

ORDINARY = (
    "example.com", "mask-api.icloud.com", "icloud.com", "xinvalid", "testing.example",
    "32.172.in-addr.arpa", "1.0.32.172.in-addr.arpa", "1.0.128.100.in-addr.arpa",
    "8.8.8.8.in-addr.arpa", "b._dns-sd._udp.example.com", "arpa", "in-addr.arpa", "c.e.f.ip6.arpa",
    "notlocalhost", "192.in-addr.arpa",
)  # fmt: skip


@pytest.mark.parametrize("name", ABSENT)
def test_a_name_of_no_meaning_does_not_exist(name: str) -> None:
    """NXDOMAIN for every type, with a SOA at or above the name."""
    for kind in (A, AAAA, TXT, PTR, SVCB):
        reply = answer_locally(question(name, kind), Switches())
        assert reply is not None
        assert (reply.rcode, reply.answer) == (NXDOMAIN, ())
        (soa,) = reply.authority
        assert soa.type == SOA
        assert name_of(name).endswith(soa.name)


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_name_is_not_answered_here(name: str) -> None:
    """What only looks like one of them goes upstream."""
    assert answer_locally(question(name), Switches()) is None


@pytest.mark.parametrize("name", ["localhost", "anything.below.localhost"])
def test_localhost_is_loopback(name: str) -> None:
    """RFC 6761 section 6.3: both families, and nothing of any other type."""
    four, six, other = (answer_locally(question(name, kind), Switches()) for kind in (A, AAAA, TXT))
    assert four is not None
    assert six is not None
    assert other is not None
    assert four.answer[0].data == b"\x7f\0\0\1"
    assert six.answer[0].data == bytes(15) + b"\1"
    assert (other.rcode, other.answer) == (NOERROR, ())


@pytest.mark.parametrize("name", ["1.0.0.127.in-addr.arpa", LOOPBACK6])
def test_the_loopback_addresses_are_localhost(name: str) -> None:
    """The way back has an answer as well."""
    reply = answer_locally(question(name, PTR), Switches())
    assert reply is not None
    assert reply.answer[0].data == name_of("localhost")


@pytest.mark.parametrize("name", ["_dns.resolver.arpa", "0.0.127.in-addr.arpa"])
def test_what_is_there_and_has_nothing_is_nodata(name: str) -> None:
    """DDR finds no encrypted resolver; a name above a name exists."""
    for kind in (SVCB, A, 65):
        reply = answer_locally(question(name, kind), Switches())
        assert reply is not None
        assert (reply.rcode, reply.answer) == (NOERROR, ())
        assert reply.authority[0].type == SOA


def test_the_top_of_an_empty_zone_has_soa_and_ns() -> None:
    """RFC 6303 section 3."""
    zone = "168.192.in-addr.arpa"
    for kind in (SOA, NS):
        reply = answer_locally(question(zone, kind), Switches())
        assert reply is not None
        assert [r.type for r in reply.answer] == [kind]
    nothing = answer_locally(question(zone, A), Switches())
    assert nothing is not None
    assert (nothing.rcode, nothing.answer) == (NOERROR, ())


@pytest.mark.parametrize("zone", ["home.arpa", "168.192.in-addr.arpa", "d.f.ip6.arpa"])
def test_whether_a_local_zone_is_signed_is_asked_of_its_parent(zone: str) -> None:
    """DS at its top has an answer that proves itself (RFC 8375 section 4); below it, nothing."""
    assert answer_locally(question(zone, DS), Switches()) is None
    inside = answer_locally(question(f"x.{zone}", DS), Switches())
    assert inside is not None
    assert inside.rcode == NXDOMAIN


@pytest.mark.parametrize("name", ["onion", "invalid", "local", "localhost"])
def test_what_has_no_parent_to_prove_it_is_not_asked_about(name: str) -> None:
    """These are no zones anywhere, so DS is as local as any other type."""
    assert answer_locally(question(name, DS), Switches()) is not None


def test_private_relay_is_a_switch() -> None:
    """Off, the names are as ordinary as any."""
    off = Switches(block_private_relay=False)
    assert answer_locally(question("mask.icloud.com"), off) is None


@pytest.mark.parametrize("name", ["nas.home.arpa", "1.1.168.192.in-addr.arpa", "printer.local"])
def test_what_a_router_answers_for_is_asked_of_the_router(name: str) -> None:
    """A suffix that an operator forwards elsewhere is not answered here."""
    suffixes = frozenset(map(name_of, ("home.arpa", "168.192.in-addr.arpa", "local")))
    assert answer_locally(question(name), Switches(private_suffixes=suffixes)) is None
