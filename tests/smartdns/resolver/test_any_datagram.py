"""Any datagram at all: the fast path gives octet for octet what the plain path gives."""

from collections.abc import Iterator
from socket import inet_aton

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartdns.answering.names import name_of
from smartdns.answering.numbers import NOERROR, NXDOMAIN, REFUSED, SERVFAIL
from smartdns.answering.plan import Reply
from smartdns.answering.query import Query, Source
from smartdns.answering.rules.rate_limit import RateLimiter
from smartdns.contract.grants import Profile
from smartdns.resolver.responder import Limits, Responder
from tests.profiles import examples
from tests.smartdns.made import A, Few, knowledge, record, soa_record
from tests.smartdns.resolver.fast.driven import HERE, THERE, Driven, Upstreams
from tests.smartdns.wire.strategies import query_messages, wire_names

TIMES = 3
"""From upstream, from the cache, from the memo."""
PEERS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
"""A household, a stranger, a household that only a DDNS name vouches for."""
NAMES = (
    "www.netflix.com", "help.netflix.com", "www.bbc.co.uk", "localhost", "mask.icloud.com",
    "1.1.168.192.in-addr.arpa", "x.check.dns.example.net", "region-netflix.check.dns.example.net",
    *[f"n{number}.example.com" for number in range(10)],
)  # fmt: skip


def said(query: Query) -> Reply:
    """Answer each name in a way of its own, as an upstream."""
    assert query.question is not None
    name, kind, _ = query.question
    absence = soa_record("example.com")
    address = record("end.example.net", A, b"\xc6\x33\x64\7", ttl=7)
    way = sum(name) % 6
    if way < 2:
        return Reply((SERVFAIL, REFUSED)[way])
    if way == 2:
        return Reply(NXDOMAIN, authority=(absence,))
    if kind != A or way == 3:
        return Reply(NOERROR, authority=(absence,))
    if way == 4:
        return Reply(NOERROR, (address._replace(name=name),), authentic_data=True)
    alias = address._replace(name=name, type=5, data=name_of("end.example.net"))
    return Reply(NOERROR, (alias, address))


class BothPaths:
    """Two resolvers that know the same, and are asked the same at the same second."""

    def __init__(self) -> None:
        self.fast = Driven(allowlist=_granted())
        known = knowledge(allowlist=_granted())
        self.upstreams = Upstreams(known, self.fast.now)
        limits = Limits(RateLimiter(0, 0), RateLimiter(0, 0))
        self.plain = Responder(known, self.upstreams.forwarder, limits, self.fast.now)
        self.upstreams.react = self.fast.upstreams.react = said
        self._clients = [self.fast.client(peer) for peer in PEERS]

    def by_plain(self, data: bytes, peer: int) -> list[bytes]:
        """Give what the plain path replies."""
        replies: list[bytes] = []
        source = Source(inet_aton(PEERS[peer]), 5353, "udp")
        self.plain.respond(data, source, lambda reply: replies.append(reply.octets))
        self.upstreams.answer()
        return replies

    def by_fast(self, data: bytes, peer: int) -> list[bytes]:
        """Give what the fast path replies."""
        return self.fast.answers(self._clients[peer], data)

    def close(self) -> None:
        """Close both."""
        self.fast.close()
        self.upstreams.close()


def _granted() -> Few:
    return Few({HERE: Profile("us"), THERE: Profile("gb", claimed=True)})


@pytest.fixture(scope="module")
def both() -> Iterator[BothPaths]:
    """They go on from one example to the next, as resolvers do."""
    made = BothPaths()
    yield made
    made.close()


def mixed(name: str) -> bytes:
    """Give a name in wire form with a case of its own."""
    lower = name_of(name)
    return lower[:1] + lower[1:3].upper() + lower[3:]


known_names = st.sampled_from(NAMES)
names = known_names.map(name_of) | known_names.map(mixed) | wire_names


@pytest.fixture
def same_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cookies tell when they were made."""
    monkeypatch.setattr("time.time", lambda: 1_800_000_000.0)


@given(
    data=query_messages(names) | query_messages(),
    peer=st.sampled_from((0, 0, 0, 1, 2)),
    seconds=st.sampled_from((0.0, 0.0, 0.3, 1.0, 5.0)),
)
@settings(max_examples=examples(300))
@pytest.mark.usefixtures("same_second")
def test_both_paths_give_the_same_octets(
    both: BothPaths, data: bytes, peer: int, seconds: float
) -> None:
    """The first time, the second and the third, at once and later, whoever asks."""
    for _ in range(TIMES):
        assert both.by_fast(data, peer) == both.by_plain(data, peer)
    both.fast.seconds += seconds
    assert both.by_fast(data, peer) == both.by_plain(data, peer)


def test_of_what_was_compared_some_came_from_the_memo(both: BothPaths) -> None:
    """And some from refusals and decisions, or it would prove little; nothing was dropped."""
    data = b"\0\7\1\0\0\1" + bytes(6) + name_of(NAMES[0]) + b"\0\1\0\1"
    before = both.fast.loop.remembered
    for _ in range(TIMES):
        assert len(both.by_fast(data, 0)) == 1
    assert both.fast.loop.remembered >= before + TIMES - 1
    assert not both.fast.misses.dropped
