"""Refusals from where a query lies: what the decision says of a stranger, octet for octet."""

import ctypes
import socket
from collections.abc import Iterator

import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartdns.answering.knowledge import Knowledge, Switches
from smartdns.answering.names import name_of
from smartdns.answering.plan import Reply
from smartdns.answering.query import Source
from smartdns.answering.rules.loop_probe import probe_name
from smartdns.answering.rules.rate_limit import RateLimiter, Verdict
from smartdns.resolver.fast.batch import BATCH, KEY_SIZE, VECTOR, DatagramBatch
from smartdns.resolver.fast.refusals import Refusals
from smartdns.resolver.rendering import Rendered
from smartdns.resolver.responder import Limits, Responder
from smartdns.upstream.forwarder import Forwarder
from tests.smartdns.made import NOW, SECRET, STRANGER, Few, knowledge
from tests.smartdns.upstream.peer import REACTOR
from tests.smartdns.wire.strategies import query_messages

NEIGHBOUR = bytes((198, 51, 100, 10))
ELSEWHERE = bytes((198, 51, 101, 9))
NAME = b"\3wWw\7eXample\3com\0"
PLAIN = b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + NAME + b"\0\1\0\1"
EDNS = PLAIN[:11] + b"\1" + PLAIN[12:] + b"\0\0\x29\x04\xd0" + bytes(6)


class Refusing:
    """Refusals into a batch, beside the decision about the same query."""

    def __init__(self, known: Knowledge | None = None, buckets: RateLimiter | None = None) -> None:
        self.known = known or knowledge(cookie_secret=SECRET)
        buckets = RateLimiter(0, 0) if buckets is None else buckets
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
            self.batch = DatagramBatch(listener, multihomed=False)
        self.refusals = Refusals(self.batch, self.known, buckets)
        self.refusals.begin_epoch()
        limits = Limits(RateLimiter(0, 0), buckets)
        nobody = Forwarder(REACTOR, [], lambda *_: Reply(2))
        self.responder = Responder(self.known, nobody, limits, lambda: NOW)

    def put(self, i: int, data: bytes, sender: bytes = STRANGER) -> tuple[int, int, bytes]:
        """Let a datagram lie in a slot as the kernel puts it there."""
        start = i * KEY_SIZE
        head = data[:KEY_SIZE]
        self.batch.queries[start : start + len(head)] = head
        return i, len(data), sender

    def refuse(self, *queries: bytes, sender: bytes = STRANGER) -> list[bytes | Verdict | None]:
        """Give for each the reply in its slot, None for silence, a verdict for what is left."""
        missed = [self.put(i, data, sender) for i, data in enumerate(queries)]
        silent, rest = self.refusals.refuse(missed, NOW)
        left = {each[0]: verdict for each, verdict in rest}
        return [
            None if i in silent else left[i] if i in left else self._sent(i)
            for i in range(len(queries))
        ]

    def refused(self, query: bytes) -> bytes | Verdict | None:
        """Refuse one."""
        (found,) = self.refuse(query)
        return found

    def decided(self, query: bytes, verdict: Verdict = Verdict.GO) -> bytes | None:
        """Give what the decision says."""
        source = Source(STRANGER, 5353, "udp")
        decided = self.responder.decide(query, source, None, verdict)
        assert decided is None or isinstance(decided, Rendered)
        return None if decided is None else decided.octets

    def _sent(self, i: int) -> bytes:
        (_, _, vector), start = self.batch.slots[i], i * KEY_SIZE
        return self.batch.queries[start : start + 2] + ctypes.string_at(
            *VECTOR.unpack(self.batch.vectors[vector])
        )


@pytest.fixture(scope="module")
def refusing() -> Refusing:
    """Where every stranger is refused."""
    return Refusing()


GOING, SLIPPING = Refusing(), Refusing(buckets=RateLimiter(0.1, 0.0))


@given(query=query_messages(), slips=st.booleans())
def test_what_is_refused_is_what_the_decision_says(query: bytes, slips: bool) -> None:
    """Whatever the query: the same octets, or it is left to the decision; none is silent by form.

    Of two beyond the rate one slips, the other one hears nothing.
    """
    verdict = Verdict.SLIP if slips else Verdict.GO
    found, *second = SLIPPING.refuse(query, query) if slips else GOING.refuse(query)
    assert second == [None] * slips
    if isinstance(found, Verdict):
        assert found is verdict
    else:
        assert found == GOING.decided(query, verdict)


def _forms() -> Iterator[bytes]:
    """Yield what is to be refused from where it lies: what floods are made of, and real stubs."""
    for query in (PLAIN, EDNS):
        yield query
        for flags in (0, 0x10, 0x20, 0x30, 0xFF):
            yield query[:2] + bytes((flags & 7, flags)) + query[4:]
        for kind in (2, 28, 65, 255, 41, 252):
            yield query.replace(b"\0\1\0\1", bytes((0, kind, 0, 1)))
        yield query.replace(b"\0\1\0\1", b"\0\1\0\3")
        yield query.replace(NAME, b"\0")
        room = KEY_SIZE - len(query) + len(NAME)
        rest = room - 66
        yield query.replace(NAME, b"\x3f" + b"x" * 63 + bytes((rest,)) + b"y" * rest + b"\0")
    yield EDNS[:-11] + b"\0\0\x29\xff\xff\0\0\x80\0\0\0"
    yield EDNS[:-11] + b"\0\0\x29\0\0\0\0\0\0\0\0"


@pytest.mark.parametrize("query", tuple(_forms()))
def test_floods_and_stubs_are_refused_without_a_decision(refusing: Refusing, query: bytes) -> None:
    """One question, and at most an OPT without options."""
    found = refusing.refused(query)
    assert isinstance(found, bytes)
    assert found == refusing.decided(query)
    assert dns.message.from_wire(found).rcode() == dns.rcode.REFUSED


@pytest.mark.parametrize(
    "query",
    [
        PLAIN.replace(NAME, b"\xc0\x0c"),
        PLAIN.replace(NAME, b"\3www\xc0\x0c"),
        PLAIN.replace(NAME, b"\x40" + b"x" * 64 + b"\0"),
        PLAIN.replace(NAME, b"\x80x\0"),
        PLAIN + b"\0",
        PLAIN[:-1],
        PLAIN[:12],
        PLAIN[:5],
        b"",
        EDNS + b"\0",
        EDNS[:-1],
        PLAIN[:5] + b"\2" + PLAIN[6:] + NAME + b"\0\1\0\1",
        PLAIN[:7] + b"\1" + PLAIN[8:],
        EDNS[:-11] + b"\0\0\x29\x04\xd0\0\1\0\0\0\0",
        EDNS[:-11] + b"\0\0\x29\x04\xd0\0\0\0\0\0\x0c\0\x0a\0\x08abcdefgh",
        EDNS[:-11] + b"\0\0\x2a\x04\xd0" + bytes(6),
        EDNS[:-11] + b"\1a\0\0\x29\x04\xd0" + bytes(6),
        PLAIN.replace(NAME, probe_name(b"12345678", SECRET)),
        PLAIN.replace(NAME, b"\x20" + b"0" * 32 + b"\0"),
        PLAIN[:2] + b"\x81" + PLAIN[3:],
        PLAIN[:2] + b"\x21" + PLAIN[3:],
        PLAIN[:2] + b"\x09" + PLAIN[3:],
        PLAIN.replace(NAME, (b"\x14" + b"z" * 20) * 6 + b"\0"),
    ],
)
def test_all_else_is_left_to_the_decision(refusing: Refusing, query: bytes) -> None:
    """Malformed, with options, of another version or opcode, a loop probe, no query, too long."""
    assert refusing.refused(query) is Verdict.GO


def test_each_of_a_batch_is_refused_in_its_own_slot(refusing: Refusing) -> None:
    """Whatever its neighbours are."""
    forms = PLAIN, EDNS, PLAIN + b"\0"
    batch = [i.to_bytes(2) + forms[i % 3][2:] for i in range(BATCH)]
    found = refusing.refuse(*batch)
    for i, (query, reply) in enumerate(zip(batch, found, strict=True)):
        assert reply == (Verdict.GO if i % 3 == 2 else refusing.decided(query))


def test_where_names_are_open_to_strangers_the_decision_finds_out_which() -> None:
    """None is refused from where it lies, whatever its name."""
    switches = Switches(open_names=frozenset({name_of("example.net")}))
    assert Refusing(knowledge(switches=switches)).refused(PLAIN) is Verdict.GO


def test_why_it_is_refused_follows_the_allowlist() -> None:
    """EDE 14 while there is none, EDE 18 once there is; as of the beginning of an epoch."""
    allowlist = Few(loaded=False)
    refusing = Refusing(knowledge(allowlist=allowlist))
    for loaded, code in ((False, 14), (True, 18)):
        allowlist.loaded = loaded
        refusing.refusals.begin_epoch()
        found = refusing.refused(EDNS)
        assert isinstance(found, bytes)
        assert found == refusing.decided(EDNS)
        assert [int(each.code) for each in dns.message.from_wire(found).options] == [code]  # type: ignore[attr-defined]


def test_beyond_the_rate_half_are_told_to_come_over_tcp_and_half_hear_nothing() -> None:
    """Of a network, whoever in it asks; another one is refused as before."""
    refusing = Refusing(buckets=RateLimiter(5, 10))
    first = refusing.refuse(*[PLAIN] * 30) + refusing.refuse(*[EDNS] * 30, sender=NEIGHBOUR)
    refused = [refusing.decided(each) for each in (PLAIN, EDNS)]
    slipped = [refusing.decided(each, Verdict.SLIP) for each in (PLAIN, EDNS)]
    assert first[:10] == refused[:1] * 10
    assert first[10:] == [*slipped[:1], None] * 10 + [*slipped[1:], None] * 15
    assert refusing.refuse(PLAIN, sender=ELSEWHERE) == refused[:1]
    assert set(refusing.refuse(*[PLAIN + b"\0"] * 2)) == {None, Verdict.SLIP}


def test_where_all_together_keep_below_one_rate_nobody_is_counted() -> None:
    """So a flood's first moments may cost one rate more than the bucket; each second begins so."""
    buckets = RateLimiter(5, 10)
    refusing = Refusing(buckets=buckets)
    for _ in range(4):
        assert None not in refusing.refuse(*[PLAIN] * 5)
        assert len(buckets) == 0
        refusing.refusals.begin_second()
    assert refusing.refuse(*[PLAIN] * 6).count(None) == 0
    assert len(buckets) == 1
