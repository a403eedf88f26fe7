"""A reply's octets, and for how long they may be given again."""

import socket
import time

import dns.edns
import dns.message

from smartdns.answering.query import Source
from smartdns.resolver.rendering import FOR_EVER, Rendered
from smartdns.wire.edns import BARE_OPT
from tests.peers.odd_name_server import OddNameServer
from tests.smartdns.resolver.conftest import Make
from tests.smartdns.resolver.laboratory import Laboratory

HERE = Source(socket.inet_aton("127.0.0.1"), 5353, "udp")


def respond(resolver: Laboratory, query: dns.message.Message) -> Rendered:
    """Give the reply that needs nobody else."""
    replies: list[Rendered] = []
    assert resolver.responder.respond(query.to_wire(), HERE, replies.append)
    (reply,) = replies
    return reply


async def test_how_long_a_reply_may_be_repeated(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """Steered: until something changes; cached: until its TTL; what is one asker's alone: never."""
    resolver = make_resolver(odd_name_server.port)
    steered = respond(resolver, dns.message.make_query("www.netflix.com", "A"))
    assert (steered.valid_until, steered.constant) == (FOR_EVER, True)
    query = dns.message.make_query("a.example.com", "A")
    await resolver.ask("a.example.com")
    cached = respond(resolver, query)
    left = cached.valid_until - time.monotonic()
    assert not cached.constant
    assert 200 < left <= 300
    cased = dns.message.make_query("A.example.com", "A")
    assert respond(resolver, cased).valid_until == cached.valid_until
    assert respond(resolver, cased).opt == BARE_OPT[False]
    cased = dns.message.make_query("WWW.netflix.com", "A", want_dnssec=True)
    assert respond(resolver, cased).valid_until == 0.0
    for option in (dns.edns.CookieOption(bytes(8), b""), dns.edns.ECSOption("192.0.2.0", 24)):
        query.use_edns(0, options=[option])
        assert respond(resolver, query).valid_until == 0.0
