"""What is counted: every datagram once, and no count ever goes down."""

from collections.abc import Iterator
from typing import Any

import dns.edns
import pytest

from smartdns.answering.knowledge import Switches
from smartdns.answering.names import name_of
from smartdns.contract.grants import Profile
from tests.smartdns.made import Few
from tests.smartdns.resolver.fast.driven import HERE, Driven, wire

KNOWN, MALFORMED, REPLY = wire(), wire()[:-1], b"\0\0\x80" + wire()[3:]
FOREIGN = wire("www.example.com")


class Counted(Driven):
    """Sees after each turn that the counts add up and none went down."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.before: dict[str, int] = {}

    def counts(self) -> dict[str, int]:
        """Give all of them."""
        misses = self.misses
        return {
            **misses.outcomes,
            "remembered": self.loop.remembered,
            "asked": misses.asked,
            "dropped": misses.dropped,
            "taken": self.loop.taken,
        }

    def check(self) -> None:
        """See to both."""
        counts = self.counts()
        taken = counts.pop("taken")
        assert sum(counts.values()) + len(self.misses.waiting) == taken
        assert all(counts[word] >= n for word, n in self.before.items())
        self.before = counts

    def given(self, *queries: bytes, source: str = "127.0.0.1") -> dict[str, int]:
        """Give what counts rose by with queries of one batch."""
        before = self.counts()
        client = self.client(source)
        self.run(lambda: client.ask(*queries), self.check)
        self.check()
        after = self.counts()
        self.upstreams.answer()
        client.replies()
        return {word: n for word in after if (n := after[word] - before.get(word, 0))}


@pytest.fixture
def counted() -> Iterator[Counted]:
    """A loop that was asked for a steered name before."""
    made = Counted(refused_rate=5)
    made.given(KNOWN)
    yield made
    made.close()


def test_each_way_has_a_word_of_its_own(counted: Counted) -> None:
    """From the memo, by a decision, upstream; refused where it lay; what gets no reply."""
    assert counted.given(KNOWN, KNOWN) == {"remembered": 2, "taken": 2}
    assert counted.given(wire("a.netflix.com"), KNOWN) == {
        "answered": 1, "remembered": 1, "taken": 2,
    }  # fmt: skip
    assert counted.given(FOREIGN, FOREIGN) == {"asked": 2, "taken": 2}
    assert counted.given(MALFORMED, REPLY, b"short") == {"odd": 1, "silent": 2, "taken": 3}
    refused = counted.given(KNOWN, MALFORMED, REPLY, source="127.0.0.2")
    assert refused == {"remembered": 1, "odd": 1, "silent": 1, "taken": 3}


def test_strangers_beyond_their_rate_are_counted_too(counted: Counted) -> None:
    """Who is told to come over TCP as what was refused, the others as silent."""
    assert counted.given(*[KNOWN] * 40, source="127.0.0.2") == {
        "remembered": 10 + 15, "silent": 15, "taken": 40,
    }  # fmt: skip


def test_a_household_beyond_its_rate_is_counted_too() -> None:
    """TC is decided about, silence is not."""
    counted = Counted(client_rate=5)
    counted.given(KNOWN)
    found = counted.given(*[KNOWN] * 40)
    counted.close()
    assert found["taken"] == 40
    assert abs(found["answered"] - found["silent"]) <= 1
    assert found["remembered"] == 9


def test_what_waits_counts_as_nothing_yet(counted: Counted) -> None:
    """Or what is remembered would fall when it is decided about."""
    client, before = counted.client(), counted.counts()
    fresh = [wire(f"n{number}.netflix.com") for number in range(30)]
    counted.each_look = 0.0009  # a turn of the loop has time for one of them
    counted.run(lambda: client.ask(*fresh), *[counted.check] * 30)
    counted.check()
    after = counted.counts()
    assert after["remembered"] == before["remembered"]
    assert after["dropped"] > 0
    assert after["answered"] + after["dropped"] == before["answered"] + 30


class Tripping(Few):
    """An allowlist that is a mistake of ours."""

    trips = ""

    def lookup(self, address: bytes, day: int) -> Profile | None:
        """Trip over a batch: it is looked into as its queries are taken."""
        if self.trips == "take":
            raise IndexError
        return super().lookup(address, day)

    def lookup_network(self, address: bytes, day: int) -> tuple[Profile, int] | None:
        """Trip over one query: it is looked into where an upstream is asked for somebody."""
        if self.trips == "decide":
            raise IndexError
        return super().lookup_network(address, day)


@pytest.mark.parametrize("stage", ["take", "decide"])
def test_a_mistake_of_ours_is_counted_as_silence(
    monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """A batch or a query got no reply, and it is told of; the next ones do."""
    allowlist = Tripping({HERE: Profile("us")})
    counted = Counted(allowlist=allowlist)
    told: list[str] = []
    monkeypatch.setattr(counted.misses._log, "failure", told.append)
    allowlist.trips = stage
    assert counted.given(FOREIGN) == {"silent": 1, "taken": 1}
    allowlist.trips = ""
    assert len(told) == 1
    assert counted.given(FOREIGN) == {"asked": 1, "taken": 1}
    counted.close()


def test_what_is_one_askers_alone_never_fills_the_memo(counted: Counted) -> None:
    """A cookie, a subnet, padding, what cannot be read: each takes a decision."""
    cookie = dns.edns.GenericOption(dns.edns.OptionType.COOKIE, b"12345678")
    padding = dns.edns.GenericOption(dns.edns.OptionType.PADDING, bytes(8))
    subnet = dns.edns.ECSOption("192.0.2.0", 24)
    remembered = len(counted.misses.memo)
    odd = [
        MALFORMED,
        wire()[:12].replace(b"\0\1", b"\0\0", 1),
        *[wire(use_edns=0, options=[each]) for each in (cookie, padding, subnet)],
        wire()[:2] + b"\x21" + wire()[3:],
    ]
    for _ in range(3):
        assert "remembered" not in counted.given(*odd)
    assert len(counted.misses.memo) == remembered
    for _ in range(2):  # made of its plain form, which is known
        assert counted.given(wire(use_edns=0)) == {"remembered": 1, "taken": 1}
    assert len(counted.misses.memo) == remembered + 1


def test_where_names_are_open_strangers_are_decided_about() -> None:
    """Each under the word for what it was told."""
    switches = Switches(open_names=frozenset({name_of("example.com")}))
    counted = Counted(switches=switches)
    found = counted.given(KNOWN, FOREIGN, source="127.0.0.2")
    counted.close()
    assert found == {"refused": 1, "asked": 1, "taken": 2}
