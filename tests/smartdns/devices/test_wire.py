"""What devices' messages are like: one test for each row of what was gathered about them."""

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest

from tests.peers.odd_name_server import OddNameServer, answering
from tests.smartdns.devices.asking import NOT_WITHIN_S, addresses, ask, send
from tests.smartdns.resolver.conftest import Make
from tests.smartdns.resolver.laboratory import RELAY, Laboratory
from tests.smartdns.wire.malformed import header, opt, option, tsig

DO, CD, RD = dns.flags.DO, dns.flags.CD, dns.flags.RD


async def test_a_query_of_no_question_but_a_cookie_is_answered(resolver: Laboratory) -> None:
    """RFC 7873 section 5.4: NOERROR with a server cookie, and BADCOOKIE for a wrong one."""
    got = await send(resolver, header(qd=0, ar=1) + opt(option(10, b"client!!")))
    assert got is not None
    reply = dns.message.from_wire(got)
    (cookie,) = reply.options
    assert isinstance(cookie, dns.edns.CookieOption)
    assert (reply.rcode(), reply.question) == (dns.rcode.NOERROR, [])
    assert (cookie.client, len(cookie.server)) == (b"client!!", 16)
    again = header(qd=0, ar=1) + opt(option(10, cookie.client + cookie.server))
    wrong = header(qd=0, ar=1) + opt(option(10, b"client!!" + bytes(16)))
    for packet, rcode in ((again, dns.rcode.NOERROR), (wrong, dns.rcode.BADCOOKIE)):
        got = await send(resolver, packet)
        assert got is not None
        assert dns.message.from_wire(got).rcode() == rcode


@pytest.mark.parametrize(("payload", "limit"), [(512, 512), (1232, 1232), (4096, 1232)])
async def test_fragments_are_lost_so_none_are_sent(
    resolver: Laboratory, payload: int, limit: int
) -> None:
    """Beyond what the client takes, or 1232, comes TC; over TCP all of it."""
    packet = dns.message.make_query("huge.example.com", "TXT", use_edns=0, payload=payload)
    got = await send(resolver, packet.to_wire())
    assert got is not None
    assert len(got) <= limit
    assert dns.message.from_wire(got).flags & dns.flags.TC
    whole = await resolver.ask("huge.example.com", "TXT", tcp=True)
    assert len(whole.answer[0]) == 60


async def test_an_old_stub_sees_no_opt_and_a_new_version_gets_badvers(
    resolver: Laboratory,
) -> None:
    """OPT only if asked; the reply to a version we do not speak names ours."""
    for name in ("www.netflix.com", "www.example.com", "localhost"):
        assert (await ask(resolver, name, use_edns=-1)).edns == -1
        assert (await ask(resolver, name)).edns == 0
        future = await ask(resolver, name, use_edns=1)
        assert (future.rcode(), future.edns, future.answer) == (dns.rcode.BADVERS, 0, [])


async def test_a_clients_subnet_never_leaves_the_house(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """ECS (RFC 7871) is taken out: the query upstream has no option at all."""
    resolver = make_resolver(odd_name_server.port)
    subnet = dns.edns.ECSOption("203.0.113.0", 24)
    reply = await ask(resolver, "www.example.com", options=[subnet])
    assert addresses(reply) == {"198.51.100.77"}
    assert [query.options for _, query in odd_name_server.queries] == [()]


async def test_do_and_cd_are_passed_through_and_cached_apart(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """Four combinations are four questions upstream, each with its own answer, and no fifth."""

    def react(query: dns.message.Message, _: str) -> dns.message.Message:
        number = 1 + bool(query.ednsflags & DO) + 2 * bool(query.flags & CD)
        return answering(query, f"{query.question[0].name} 300 A 198.51.100.{number}")

    odd_name_server.react = react
    resolver = make_resolver(odd_name_server.port)
    for _ in range(2):
        for number, (flags, do) in enumerate(
            [(RD, False), (RD, True), (RD | CD, False), (RD | CD, True)]
        ):
            reply = await ask(resolver, "www.example.com", flags=flags, want_dnssec=do)
            assert addresses(reply) == {f"198.51.100.{1 + number}"}
            assert reply.flags & CD == flags & CD
    assert len(odd_name_server.queries) == 4


@pytest.mark.parametrize("name", ["wWw.NeTfLiX.cOm", "wWw.ExAmPlE.cOm", "LoCaLhOsT"])
async def test_mixed_case_is_matched_and_echoed(resolver: Laboratory, name: str) -> None:
    """0x20: octet by octet the same question, whatever it is compared with."""
    small = await ask(resolver, name.lower())
    packet = dns.message.make_query(name, "A").to_wire()
    for _ in range(3):
        got = await send(resolver, packet)
        assert got is not None
        assert got[12 : len(packet)] == packet[12:]
        assert addresses(dns.message.from_wire(got)) == addresses(small)


async def test_a_reply_that_arrives_is_dropped(resolver: Laboratory) -> None:
    """Else two servers would answer each other for ever."""
    packet = bytearray(dns.message.make_query("www.netflix.com", "A").to_wire())
    packet[2] |= 0x80
    assert await send(resolver, bytes(packet), wait_s=NOT_WITHIN_S) is None
    assert addresses(await ask(resolver, "www.netflix.com")) == {RELAY}


@pytest.mark.parametrize(
    ("packet", "rcode"),
    [
        (header(qd=0), dns.rcode.FORMERR),
        (header(qd=2) + b"\1a\0\0\1\0\1" * 2, dns.rcode.FORMERR),
        (header(0x2100) + b"\1a\0\0\1\0\1", dns.rcode.NOTIMP),
        (header(0x2900) + b"\1a\0\0\6\0\1", dns.rcode.NOTIMP),
        (header() + b"\1a\0\0\1\0\3", dns.rcode.REFUSED),
        (header() + b"\1a\0\0\1\0\xff", dns.rcode.REFUSED),
        (header() + b"\1a\0\0\xfc\0\1", dns.rcode.REFUSED),
        (header() + b"\1a\0\0\xfb\0\1", dns.rcode.REFUSED),
        (header(0) + b"\1a\0\0\1\0\1", dns.rcode.REFUSED),
    ],
    ids=[
        "no question", "two", "NOTIFY", "UPDATE", "class CHAOS", "class ANY", "AXFR", "IXFR", "RD=0"
    ],
)  # fmt: skip
async def test_odd_queries_get_the_code_they_deserve(
    resolver: Laboratory, packet: bytes, rcode: int
) -> None:
    """Each its own, so that a sender learns what was wrong."""
    got = await send(resolver, packet)
    assert got is not None
    assert got[3] & 0xF == rcode


async def test_a_signed_query_gets_an_unsigned_error(resolver: Laboratory) -> None:
    """As dig -y has it with any key: NOTAUTH, and a TSIG that says BADKEY."""
    packet = header(ar=2) + b"\3www\7netflix\3com\0\0\1\0\1" + opt() + tsig()
    got = await send(resolver, packet)
    assert got is not None
    reply = dns.message.from_wire(got, keyring=False)  # type: ignore[arg-type]
    assert (reply.rcode(), reply.tsig_error) == (dns.rcode.NOTAUTH, dns.rcode.BADKEY)
