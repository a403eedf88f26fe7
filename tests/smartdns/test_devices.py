"""What devices really do, and what they get: one test for each row of what was gathered.

Octets in, octets out, as a device sends and sees them; upstream is played by the test.
"""

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from smartdns.answering.answer import answer
from smartdns.answering.concluding import conclude
from smartdns.answering.exchange import BUDGET_S
from smartdns.answering.knowledge import Knowledge
from smartdns.answering.plan import Forward
from smartdns.answering.rate_limit import RateLimiter, Verdict
from smartdns.contract.grants import Profile
from smartdns.settings import DataPlaneSettings
from smartdns.wire.dns_message import parse_query, render_upstream_query
from tests.smartdns.made import (
    DAY,
    HOME,
    NOW,
    US,
    knowledge,
    query,
    question,
    react,
    record,
    said,
    source,
)
from tests.smartdns.wire.malformed import header, opt, option, tsig
from zones.load import load_catalog
from zones.names import parse_name

A, AAAA, HTTPS, SVCB, TXT, ANY = 1, 28, 65, 64, 16, 255


def ask(
    name: str, kind: int = A, known: Knowledge | None = None, **how: object
) -> dns.message.Message:
    """Send what a stub would send, and read what it would read."""
    made = dns.message.make_query(name, kind, **({"use_edns": 0} | how))  # type: ignore[arg-type]
    got = react(made.to_wire(), known or knowledge(), source())
    assert got is not None
    reply = dns.message.from_wire(got)
    assert made.is_response(reply)
    return reply


def addresses(reply: dns.message.Message) -> set[str]:
    """All addresses of the answer."""
    return {str(data) for rrset in reply.answer for data in rrset}


def is_nodata(reply: dns.message.Message) -> bool:
    """Say whether it is an empty answer that may be cached: with a SOA."""
    soa = [rrset for rrset in reply.authority if rrset.rdtype == dns.rdatatype.SOA]
    return reply.rcode() == dns.rcode.NOERROR and not reply.answer and len(soa) == 1


def test_apple_asks_a_aaaa_and_https_at_once_and_uses_whichever_comes_first() -> None:
    """None of the three leads round the relay, and none kills the name."""
    gb_has_no_ipv6 = knowledge(Profile(region="gb"))
    assert addresses(ask("www.netflix.com", A)) == {"5.0.0.1"}
    assert addresses(ask("www.netflix.com", AAAA)) == {"::5"}
    assert is_nodata(ask("www.netflix.com", AAAA, gb_has_no_ipv6))
    assert is_nodata(ask("www.netflix.com", HTTPS))
    assert is_nodata(ask("www.netflix.com", SVCB))


def test_a_chain_through_a_steered_name_is_decided_by_the_questions_name() -> None:
    """A name outside the catalogue keeps its own answer, wherever its aliases lead."""
    known = knowledge()
    chain = (
        record("www.example.com", 5, parse_name("www.netflix.com")),
        record("www.netflix.com", A, bytes((9, 9, 9, 9))),
    )
    asked = answer(query("www.example.com"), source(), known, NOW, DAY)
    assert isinstance(asked, Forward)
    reply = conclude(asked, said(asked.question, *chain), known, NOW)
    assert [r.data for r in reply.answer][1] == bytes((9, 9, 9, 9))


def test_designated_resolvers_are_not_discovered() -> None:
    """DDR (RFC 9462) would move the device to the upstream's encrypted DNS: NODATA."""
    assert is_nodata(ask("_dns.resolver.arpa", SVCB))


def test_firefox_leaves_dns_to_the_system() -> None:
    """Its canary does not exist."""
    assert ask("use-application-dns.net").rcode() == dns.rcode.NXDOMAIN


def test_private_relay_is_told_at_once_that_it_is_not_wanted() -> None:
    """Both names do not exist; a third that only looks like them is forwarded."""
    for name in ("mask.icloud.com", "mask-h2.icloud.com"):
        assert ask(name).rcode() == dns.rcode.NXDOMAIN
    plan = answer(query("mask-api.icloud.com"), source(), knowledge(), NOW, DAY)
    assert isinstance(plan, Forward)


@pytest.mark.parametrize(
    "name",
    [
        "localhost", "x.invalid", "x.onion", "x.test", "nas.home.arpa", "1.1.168.192.in-addr.arpa",
        "1.1.254.169.in-addr.arpa", "lb._dns-sd._udp.0.1.168.192.in-addr.arpa",
        "lb._dns-sd._udp.example.com",
    ],
)  # fmt: skip
def test_local_names_are_never_forwarded(name: str) -> None:
    """Floods of them end here."""
    assert not isinstance(answer(query(name, 12), source(), knowledge(), NOW, DAY), Forward)


@pytest.mark.parametrize(
    "name",
    [
        "captive.apple.com", "connectivitycheck.gstatic.com", "www.msftconnecttest.com",
        "ctest.cdn.nintendo.net", "detectportal.firefox.com", "www.msftncsi.com",
        "conntest.nintendowifi.net",
    ],
)  # fmt: skip
def test_connectivity_checks_are_never_steered(name: str) -> None:
    """With the catalogue that comes with the product, for every region there is."""
    catalog = load_catalog()
    for region in catalog.regions:
        known = knowledge(Profile(region=region), catalog=catalog, relays={"*": US})
        assert isinstance(answer(query(name), source(), known, NOW, DAY), Forward)


def test_a_query_of_no_question_but_a_cookie_is_answered() -> None:
    """RFC 7873 section 5.4: NOERROR with a server cookie, and BADCOOKIE for a wrong one."""
    got = react(header(qd=0, ar=1) + opt(option(10, b"client!!")), knowledge(), source())
    assert got is not None
    reply = dns.message.from_wire(got)
    (cookie,) = reply.options
    assert isinstance(cookie, dns.edns.CookieOption)
    assert (reply.rcode(), reply.question) == (dns.rcode.NOERROR, [])
    assert (cookie.client, len(cookie.server)) == (b"client!!", 16)
    wrong = header(qd=0, ar=1) + opt(option(10, b"client!!" + bytes(16)))
    got = react(wrong, knowledge(), source())
    assert got is not None
    assert dns.message.from_wire(got).rcode() == dns.rcode.BADCOOKIE


@pytest.mark.parametrize("kind", [A, AAAA, TXT, SVCB, 12, 33, 35, 65_280])
def test_consoles_resolve_many_other_names_and_none_is_refused(kind: int) -> None:
    """A registered address has full forwarding, of every type."""
    plan = answer(query("auth.sonyentertainment.example", kind), source(), knowledge(), NOW, DAY)
    assert isinstance(plan, Forward)


def test_netflix_compares_its_test_names() -> None:
    """netflixdnstest0 to 10 lead to the same relay as the service."""
    catalog = load_catalog()
    known = knowledge(Profile(region="us"), catalog=catalog)
    for number in range(11):
        assert addresses(ask(f"netflixdnstest{number}.com", A, known)) == {"5.0.0.1"}


def test_a_stub_waits_five_seconds_and_is_answered_before() -> None:
    """All that is tried upstream ends in 3.5 s, then comes a stale answer or SERVFAIL."""
    assert BUDGET_S <= 3.5
    assert ask("example.com").rcode() == dns.rcode.SERVFAIL


def test_consoles_keep_answers_for_long() -> None:
    """A steered answer says one minute, each time anew."""
    for _ in range(2):
        assert ask("www.netflix.com").answer[0].ttl == 60


@pytest.mark.parametrize(("payload", "limit"), [(512, 512), (1232, 1232), (4096, 1232)])
def test_fragments_are_lost_so_none_are_sent(payload: int, limit: int) -> None:
    """Beyond what the client takes, or 1232, comes TC; over TCP all of it."""
    known = knowledge()
    asked = answer(query("big.example.com"), source(), known, NOW, DAY)
    assert isinstance(asked, Forward)
    many = (record("big.example.com", A, bytes((9, 9, n // 250, n % 250))) for n in range(200))
    conclude(asked, said(asked.question, *many), known, NOW)
    packet = dns.message.make_query("big.example.com", A, use_edns=0, payload=payload).to_wire()
    over_udp = react(packet, known, source())
    over_tcp = react(packet, known, source(transport="tcp"))
    assert over_udp is not None
    assert over_tcp is not None
    assert len(over_udp) <= limit
    assert dns.message.from_wire(over_udp).flags & dns.flags.TC
    assert len(addresses(dns.message.from_wire(over_tcp))) == 200


def test_an_old_stub_sees_no_opt_and_a_new_version_gets_badvers() -> None:
    """OPT only if asked; the reply to a version we do not speak names ours."""
    assert ask("www.netflix.com", use_edns=-1).edns == -1
    future = ask("www.netflix.com", use_edns=1)
    assert (future.rcode(), future.edns, future.answer) == (dns.rcode.BADVERS, 0, [])


def test_a_clients_subnet_never_leaves_the_house() -> None:
    """ECS (RFC 7871) is taken out: the query upstream has no option at all."""
    subnet = dns.edns.ECSOption("192.0.2.0", 24)
    made = dns.message.make_query("example.com", A, options=[subnet])
    asked = parse_query(made.to_wire())
    plan = answer(asked, source(), knowledge(), NOW, DAY)  # type: ignore[arg-type]
    assert isinstance(plan, Forward)
    upstream = render_upstream_query(plan.question, id=1, dnssec_ok=False, checking_disabled=False)
    assert dns.message.from_wire(upstream).options == ()


def test_a_steered_answer_is_unsigned() -> None:
    """DO is mirrored, AD is not set, and no signature is made up."""
    reply = ask("www.netflix.com", want_dnssec=True)
    assert reply.ednsflags & dns.flags.DO
    assert not reply.flags & dns.flags.AD
    assert {rrset.rdtype for rrset in reply.answer} == {dns.rdatatype.A}


def test_do_and_cd_are_passed_through_and_kept_apart() -> None:
    """Four combinations are four questions upstream."""
    known = knowledge()
    asked = set()
    for flags in (dns.flags.RD, dns.flags.RD | dns.flags.CD):
        for do in (False, True):
            made = dns.message.make_query("example.com", A, flags=flags, want_dnssec=do, use_edns=0)
            plan = answer(parse_query(made.to_wire()), source(), known, NOW, DAY)  # type: ignore[arg-type]
            assert isinstance(plan, Forward)
            conclude(plan, said(plan.question, record("example.com", A, bytes(4))), known, NOW)
            asked.add((plan.dnssec_ok, plan.checking_disabled))
    assert len(asked) == 4


def test_mixed_case_is_matched_and_echoed() -> None:
    """0x20: octet by octet the same question, whatever it is compared with."""
    packet = dns.message.make_query("wWw.NeTfLiX.cOm", A).to_wire()
    got = react(packet, knowledge(), source())
    assert got is not None
    assert got[12 : 12 + 21] == packet[12 : 12 + 21]
    assert addresses(dns.message.from_wire(got)) == {"5.0.0.1"}


def test_a_reply_that_arrives_is_dropped() -> None:
    """Else two servers would answer each other for ever."""
    packet = bytearray(dns.message.make_query("www.netflix.com", A).to_wire())
    packet[2] |= 0x80
    assert react(bytes(packet), knowledge(), source()) is None


@pytest.mark.parametrize(
    ("packet", "rcode"),
    [
        (header(qd=0), dns.rcode.FORMERR),
        (header(qd=2) + b"\1a\0\0\1\0\1" * 2, dns.rcode.FORMERR),
        (header(0x2100) + b"\1a\0\0\1\0\1", dns.rcode.NOTIMP),
        (header() + b"\1a\0\0\1\0\3", dns.rcode.REFUSED),
        (header() + b"\1a\0\0\xfc\0\1", dns.rcode.REFUSED),
        (header() + b"\1a\0\0\xfb\0\1", dns.rcode.REFUSED),
        (header(0) + b"\1a\0\0\1\0\1", dns.rcode.REFUSED),
    ],
    ids=["no question", "two", "another opcode", "another class", "AXFR", "IXFR", "RD=0"],
)
def test_odd_queries_get_the_code_they_deserve(packet: bytes, rcode: int) -> None:
    """Each its own, so that a sender learns what was wrong."""
    got = react(packet, knowledge(), source())
    assert got is not None
    assert got[3] & 0xF == rcode


def test_a_signed_query_gets_an_unsigned_error() -> None:
    """As dig -y has it with any key: NOTAUTH, and a TSIG that says BADKEY."""
    packet = header(ar=2) + parse_name("www.netflix.com") + b"\0\1\0\1" + opt() + tsig()
    got = react(packet, knowledge(), source())
    assert got is not None
    reply = dns.message.from_wire(got, keyring=False)  # type: ignore[arg-type]
    assert (reply.rcode(), reply.tsig_error) == (dns.rcode.NOTAUTH, dns.rcode.BADKEY)


def test_a_whole_home_is_behind_one_address() -> None:
    """Hundreds of queries in one burst pass by default, and a thousand every second."""
    rate = DataPlaneSettings().client_rate
    limiter = RateLimiter(rate, 2 * rate)
    passed = sum(limiter.admit(HOME, NOW) is Verdict.GO for _ in range(2_000))
    assert passed == 2_000


def test_an_absent_type_of_a_steered_name_does_not_take_the_name_along() -> None:
    """TXT of a steered name that upstream denies is NODATA: the name has addresses, after all."""
    known = knowledge()
    plan = answer(query("www.netflix.com", TXT), source(), known, NOW, DAY)
    assert isinstance(plan, Forward)
    reply = conclude(plan, said(question("www.netflix.com", TXT), rcode=3), known, NOW)
    assert reply.rcode == 0
