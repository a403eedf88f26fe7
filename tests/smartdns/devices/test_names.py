"""Names that devices ask for: one test for each row of what was gathered about them."""

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from smartdns.answering.knowledge import RelayAddresses, Switches
from smartdns.answering.names import name_of
from smartdns.contract.grants import OFF, Profile
from tests.peers.name_server import NameServer
from tests.peers.odd_name_server import OddNameServer, answering
from tests.smartdns.devices.asking import addresses, ask, grant, is_nodata
from tests.smartdns.resolver.conftest import Make
from tests.smartdns.resolver.laboratory import RELAY, Laboratory, catalog

ELSEWHERE = "198.51.100.77"
"""What the upstream in this process says of any name."""


@pytest.mark.parametrize("ipv6", [True, False], ids=["with IPv6", "without"])
async def test_apple_asks_a_aaaa_and_https_at_once_and_uses_whichever_comes_first(
    resolver: Laboratory, *, ipv6: bool
) -> None:
    """A relay, AAAA relay or NODATA, 64 and 65 NODATA: never NXDOMAIN, NOTIMP or silence."""
    if ipv6:
        both = RelayAddresses((bytes((5, 0, 0, 1)),), (bytes(15) + b"\5",))
        resolver.knowledge.relays = {"*": both}
        resolver.responder.knowledge_changed()
    a, aaaa = [await ask(resolver, "www.netflix.com", kind) for kind in ("A", "AAAA")]
    assert addresses(a) == ({"5.0.0.1"} if ipv6 else {RELAY})
    assert addresses(aaaa) == {"::5"} if ipv6 else is_nodata(aaaa)
    for kind in ("HTTPS", "SVCB"):
        assert is_nodata(await ask(resolver, "www.netflix.com", kind))


async def test_a_chain_through_a_steered_name_is_decided_by_the_questions_name(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """A name outside the catalogue keeps its own answer, wherever its aliases lead."""

    def react(query: dns.message.Message, _: str) -> dns.message.Message:
        chain = "www.example.com. 60 CNAME www.netflix.com.", "www.netflix.com. 60 A 198.51.100.9"
        return answering(query, *chain)

    odd_name_server.react = react
    reply = await ask(make_resolver(odd_name_server.port), "www.example.com")
    assert [rrset.rdtype for rrset in reply.answer] == [dns.rdatatype.CNAME, dns.rdatatype.A]
    assert addresses(reply) == {"198.51.100.9"}


@pytest.mark.parametrize("kind", ["SVCB", "A", "TXT"])
async def test_designated_resolvers_are_not_discovered(
    make_resolver: Make, odd_name_server: OddNameServer, kind: str
) -> None:
    """DDR (RFC 9462) would move the device to the upstream's encrypted DNS: NODATA, from here."""
    resolver = make_resolver(odd_name_server.port)
    assert is_nodata(await ask(resolver, "_dns.resolver.arpa", kind))
    assert not odd_name_server.queries


async def test_firefox_leaves_dns_to_the_system(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """Its canary does not exist."""
    reply = await ask(make_resolver(odd_name_server.port), "use-application-dns.net")
    assert reply.rcode() == dns.rcode.NXDOMAIN
    assert not odd_name_server.queries


async def test_private_relay_is_told_at_once_that_it_is_not_wanted(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """Two names do not exist; a third that only looks like them does, and so do all if wanted."""
    resolver = make_resolver(odd_name_server.port)
    for name in ("mask.icloud.com", "mask-h2.icloud.com"):
        for kind in ("A", "AAAA", "HTTPS"):
            assert (await ask(resolver, name, kind)).rcode() == dns.rcode.NXDOMAIN
    assert not odd_name_server.queries
    assert addresses(await ask(resolver, "mask-api.icloud.com")) == {ELSEWHERE}
    wanted = make_resolver(odd_name_server.port)
    wanted.knowledge.switches = Switches(block_private_relay=False)
    assert addresses(await ask(wanted, "mask.icloud.com")) == {ELSEWHERE}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("localhost", "A"), ("x.invalid", "A"), ("x.onion", "A"), ("x.test", "A"),
        ("nas.home.arpa", "A"), ("1.1.168.192.in-addr.arpa", "PTR"),
        ("1.0.0.10.in-addr.arpa", "PTR"),
        ("1.1.254.169.in-addr.arpa", "PTR"), ("1.0.0.127.in-addr.arpa", "PTR"),
        ("1.16.172.in-addr.arpa", "PTR"), ("8.e.f.ip6.arpa", "PTR"), ("d.f.ip6.arpa", "PTR"),
        ("lb._dns-sd._udp.0.1.168.192.in-addr.arpa", "PTR"), ("lb._dns-sd._udp.example.com", "PTR"),
    ],
)  # fmt: skip
async def test_local_names_are_never_forwarded(
    make_resolver: Make, odd_name_server: OddNameServer, name: str, kind: str
) -> None:
    """Floods of them end here (RFC 6761, 6303, 7686, 8375), with an answer."""
    reply = await ask(make_resolver(odd_name_server.port), name, kind)
    assert reply.rcode() in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}
    assert not odd_name_server.queries


@pytest.mark.parametrize(
    "name",
    [
        "captive.apple.com", "connectivitycheck.gstatic.com", "www.msftconnecttest.com",
        "ctest.cdn.nintendo.net", "detectportal.firefox.com", "www.msftncsi.com",
        "conntest.nintendowifi.net",
    ],
)  # fmt: skip
async def test_connectivity_checks_are_never_steered(
    make_resolver: Make, odd_name_server: OddNameServer, name: str
) -> None:
    """With the catalogue that comes with the product, for every region there is."""
    resolver = make_resolver(odd_name_server.port)
    for region in catalog().regions:
        grant(resolver, Profile(region=region))
        assert addresses(await ask(resolver, name)) == {ELSEWHERE}


@pytest.mark.parametrize("kind", ["A", "AAAA", "TXT", "SVCB", "PTR", "SRV", "NAPTR", "TYPE65280"])
async def test_consoles_resolve_many_other_names_and_none_is_refused(
    make_resolver: Make, odd_name_server: OddNameServer, kind: str
) -> None:
    """A registered address has full forwarding, of every type."""
    odd_name_server.react = lambda query, _: answering(query)
    reply = await ask(make_resolver(odd_name_server.port), "auth.console.example", kind)
    assert reply.rcode() == dns.rcode.NOERROR
    (asked,) = {str(query.question[0].name).lower() for _, query in odd_name_server.queries}
    assert asked == "auth.console.example."


async def test_netflix_compares_its_test_names(resolver: Laboratory) -> None:
    """netflixdnstest0 to 10 lead to the same relay as the service."""
    for number in range(11):
        assert addresses(await ask(resolver, f"netflixdnstest{number}.com")) == {RELAY}


async def test_consoles_keep_answers_for_long(resolver: Laboratory) -> None:
    """A steered answer says one minute, each time anew."""
    for _ in range(2):
        assert (await ask(resolver, "www.netflix.com")).answer[0].ttl == 60
        resolver.ahead_s += 30


async def test_a_signed_steered_name_is_answered_unsigned(resolver: Laboratory) -> None:
    """DO is mirrored, AD is not set, and no signature is made up."""
    reply = await ask(resolver, "www.netflix.com", want_dnssec=True)
    assert reply.ednsflags & dns.flags.DO
    assert not reply.flags & dns.flags.AD
    assert {rrset.rdtype for rrset in reply.answer} == {dns.rdatatype.A}


async def test_a_service_can_be_opted_out_of_steering(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """Its names are then what the upstream says, signatures and all."""
    resolver = make_resolver(odd_name_server.port)
    assert addresses(await ask(resolver, "www.netflix.com")) == {RELAY}
    grant(resolver, Profile(services={"netflix": OFF}))
    assert addresses(await ask(resolver, "www.netflix.com")) == {ELSEWHERE}
    reply = await ask(resolver, "www.netflix.com", want_dnssec=True)
    assert addresses(reply) == {ELSEWHERE}
    assert [query.ednsflags & dns.flags.DO > 0 for _, query in odd_name_server.queries] == [
        False, True
    ]  # fmt: skip


async def test_an_absent_type_of_a_steered_name_does_not_take_the_name_along(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """TXT of a steered name that upstream denies is NODATA: the name has addresses, after all."""
    odd_name_server.react = lambda query, _: answering(query, rcode="NXDOMAIN")
    assert is_nodata(await ask(make_resolver(odd_name_server.port), "www.netflix.com", "TXT"))


async def test_the_page_of_a_home_whose_address_changed_is_found_if_the_operator_wants(
    make_resolver: Make, name_server: NameServer
) -> None:
    """Opened names are answered to strangers, everything else stays REFUSED; off by default."""
    closed, opened = make_resolver(name_server.port), make_resolver(name_server.port)
    only = frozenset({name_of("www.example.com")})
    opened.knowledge.switches = Switches(open_names=only)
    for resolver in (closed, opened):
        resolver.allowlist.profiles.clear()
        resolver.responder.grants_changed()
    assert (await ask(closed, "www.example.com")).rcode() == dns.rcode.REFUSED
    assert addresses(await ask(opened, "www.example.com")) == {"198.51.100.1"}
    for name in ("alias.example.com", "www.netflix.com"):
        assert (await ask(opened, name)).rcode() == dns.rcode.REFUSED
