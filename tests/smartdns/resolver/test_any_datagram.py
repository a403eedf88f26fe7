"""Any datagram at all: the fast path gives octet for octet what the plain path gives."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartdns.answering.concluding import conclude
from smartdns.answering.knowledge import Knowledge
from smartdns.answering.names import name_of
from smartdns.answering.plan import Forward
from smartdns.answering.query import Source
from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.answering.rules.rate_limit import RateLimiter
from smartdns.contract.grants import Profile
from smartdns.resolver.responder import Limits, Responder
from tests.smartdns.made import A, Few, knowledge, record, said, soa_record
from tests.smartdns.resolver.fast.driven import HERE, THERE, Driven
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


class Answering:
    """Upstreams that answer at once, each name in a way of its own."""

    waiting = 0

    def __init__(self, known: Knowledge, now: Callable[[], float]) -> None:
        self._known, self._now = known, now

    def ask(self, plan: Forward, asker: Callable[..., object], _network: bytes) -> bool:
        """Conclude from what such an upstream says."""
        asker(conclude(plan, self._said(plan), self._known, self._now()))
        return True

    def refresh(self, plan: Forward) -> None:
        """Have the cache learn of it."""
        conclude(plan, self._said(plan), self._known, self._now())

    @staticmethod
    def _said(plan: Forward) -> UpstreamReply | None:
        question = plan.question
        way = sum(question.name) % 6
        if way == 0:
            return None
        if way == 1:
            return said(question, rcode=2)
        if way == 2:
            return said(question, rcode=3, authority=(soa_record("example.com"),))
        if question.type != A or way == 3:
            return said(question, authority=(soa_record("example.com"),))
        address = record("end.example.net", A, b"\xc6\x33\x64\7", ttl=7)
        if way == 4:
            return said(question, address._replace(name=question.name), authentic_data=True)
        alias = address._replace(name=question.name, type=5, data=name_of("end.example.net"))
        return said(question, alias, address)


class BothPaths:
    """Two resolvers that know the same and are asked the same."""

    def __init__(self) -> None:
        self.fast = Driven(allowlist=_granted())
        self.plain = knowledge(allowlist=_granted())
        self.fast.upstreams = self.fast.responder.forwarder = _answering(self.fast.knowledge, self)
        self.clients = [self.fast.client(peer) for peer in PEERS]
        limits = Limits(RateLimiter(0, 0), RateLimiter(0, 0))
        self.responder = Responder(
            self.plain, _answering(self.plain, self), limits, lambda: self.fast.now
        )

    def now(self) -> float:
        """Give the second that both are at."""
        return self.fast.now

    def by_plain(self, data: bytes, peer: int) -> list[bytes]:
        """Give what the plain path replies."""
        replies: list[bytes] = []
        address = bytes(map(int, PEERS[peer].split(".")))
        self.responder.respond(
            data, Source(address, 5353, "udp"), lambda reply: replies.append(reply.octets)
        )
        return replies


def _granted() -> Few:
    return Few({HERE: Profile("us"), THERE: Profile("gb", claimed=True)})


def _answering(known: Knowledge, both: BothPaths) -> Any:
    return Answering(known, both.now)


BOTH = BothPaths()


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
@settings(max_examples=300, deadline=None)
@pytest.mark.usefixtures("same_second")
def test_both_paths_give_the_same_octets(data: bytes, peer: int, seconds: float) -> None:
    """The first time, the second and the third, at once and later, whoever asks."""
    for _ in range(TIMES):
        expected = BOTH.by_plain(data, peer)
        assert BOTH.fast.answers(BOTH.clients[peer], data) == expected
    BOTH.fast.now += seconds
    expected = BOTH.by_plain(data, peer)
    assert BOTH.fast.answers(BOTH.clients[peer], data) == expected


def test_of_what_was_compared_some_came_from_the_memo() -> None:
    """And some from refusals and decisions, or it would prove little; nothing was dropped."""
    client, data = BOTH.clients[0], b"\0\7\1\0\0\1" + bytes(6) + name_of(NAMES[0]) + b"\0\1\0\1"
    before = BOTH.fast.loop.remembered
    for _ in range(TIMES):
        assert len(BOTH.fast.answers(client, data)) == 1
    assert BOTH.fast.loop.remembered >= before + TIMES - 1
    assert not BOTH.fast.misses.dropped
