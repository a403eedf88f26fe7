"""Answers heard from upstream, kept while they may be believed and a while longer.

An entry is what one question had for an answer: its RRsets, stripped of what was not asked for.
Bounded in octets; what has not been used for longest goes first. TTLs go by whole seconds of the
monotonic clock, so that all of a reply counts down at the same moment.
"""

from collections import OrderedDict
from dataclasses import dataclass

from smartdns.answering.names import suffixes
from smartdns.answering.plan import ExtendedError, Forward, Record
from smartdns.answering.query import Name

STALE_S = 86_400
"""How long after it expired an answer may stand in for one that cannot be had (RFC 8767)."""
SHORTEST_FAILURE_S, LONGEST_FAILURE_S = 1, 30
"""How long a failure is believed the first time, and at most; it doubles (RFC 9520)."""
MAXIMUM_FAILURES = 10_000
_REFRESHABLE_TTL = 10

# Octets in CPython beyond names and data, as measured; a wrong guess moves the bound, no more.
_ENTRY_OCTETS, _RECORD_OCTETS = 550, 170

_Key = tuple[Name, int, int, bool, bool]
_EVERY_TYPE = -1


@dataclass(frozen=True, slots=True, repr=False)
class Heard:
    """An answer fit to be kept; every RRset has one TTL."""

    rcode: int
    answer: tuple[Record, ...]
    authority: tuple[Record, ...]
    ttl: int
    """Seconds it may be believed as a whole; 0: by the asker alone."""
    authentic_data: bool = False
    error: ExtendedError | None = None
    denies_name: bool = False
    """NXDOMAIN for the very name that was asked: true for every type and all below (RFC 8020)."""


@dataclass(frozen=True, slots=True, repr=False)
class Kept:
    """An answer from the cache, its TTLs counted down to the second it was looked for."""

    heard: Heard
    expires_at: int
    """Second of the monotonic clock."""
    refresh_at: int
    """From this second on a query is a reason to ask upstream before it expires."""


@dataclass(slots=True, repr=False)
class _Entry:
    heard: Heard
    stored_at: int
    octets: int


@dataclass(slots=True, repr=False)
class _Failure:
    until: float
    lasts_s: int
    error: ExtendedError | None


class Cache:
    """Bounded memory of answers and of failures; DO and CD each have answers of their own."""

    def __init__(self, maximum_octets: int, apart: frozenset[Name] = frozenset()) -> None:
        """`apart`: suffixes that another upstream knows, so no absence above reaches into them."""
        self._maximum_octets = maximum_octets
        self._apart = apart
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        self._failures: OrderedDict[_Key, _Failure] = OrderedDict()
        self.octets = 0

    def find(self, asked: Forward, now: float) -> Kept | None:
        """Give an answer that may still be believed, also from the absence of a name above."""
        entry = self._fresh(_key(asked), now)
        if entry is None:
            entry = self._absence_above(asked, now)
        return None if entry is None else _aged(entry, int(now) - entry.stored_at)

    def knows(self, asked: Forward) -> bool:
        """Say whether there is anything about this: an answer, expired ones too, or a failure.

        Changes nothing, so any thread may ask.
        """
        key = _key(asked)
        if key in self._entries or key in self._failures:
            return True
        _, _, klass, dnssec_ok, checking_disabled = key
        entries = self._entries
        return any(
            (name, _EVERY_TYPE, klass, dnssec_ok, checking_disabled) in entries
            for name in suffixes(asked.question.name)
        )

    def find_stale(self, asked: Forward, now: float, ttl: int) -> Kept | None:
        """Give an answer that expired less than `STALE_S` ago, every TTL set to `ttl`."""
        entry = self._entries.get(_key(asked))
        if entry is None or now - entry.stored_at > entry.heard.ttl + STALE_S:
            return None
        heard = entry.heard
        answer, authority = _with_ttl(heard.answer, ttl), _with_ttl(heard.authority, ttl)
        return Kept(_changed(heard, answer, authority), int(now), int(now))

    def store(self, asked: Forward, heard: Heard, now: float) -> None:
        """Keep an answer, and forget that its question failed."""
        key = _key(asked)
        self._failures.pop(key, None)
        if heard.ttl <= 0:
            return
        octets = _octets(heard)
        if octets > self._maximum_octets:
            return
        entry = _Entry(heard, int(now), octets)
        self._put(key, entry)
        if heard.denies_name:
            self._put(_key(asked, every_type=True), entry)
        while self.octets > self._maximum_octets:
            self.octets -= self._entries.popitem(last=False)[1].octets

    def note_failure(self, asked: Forward, error: ExtendedError | None, now: float) -> None:
        """Remember that nobody could answer this, for twice as long as the last time."""
        key = _key(asked)
        last = self._failures.pop(key, None)
        lasts_s = SHORTEST_FAILURE_S if last is None else min(2 * last.lasts_s, LONGEST_FAILURE_S)
        self._failures[key] = _Failure(now + lasts_s, lasts_s, error)
        if len(self._failures) > MAXIMUM_FAILURES:
            self._failures.popitem(last=False)

    def failing(self, asked: Forward, now: float) -> bool:
        """Say whether this failed so lately that it need not be asked again."""
        failure = self._failures.get(_key(asked))
        return failure is not None and now < failure.until

    def last_error(self, asked: Forward) -> ExtendedError | None:
        """Give the error of the last failure, if it is remembered."""
        failure = self._failures.get(_key(asked))
        return None if failure is None else failure.error

    def __len__(self) -> int:
        return len(self._entries)

    def _put(self, key: _Key, entry: _Entry) -> None:
        former = self._entries.pop(key, None)
        if former is not None:
            self.octets -= former.octets
        self._entries[key] = entry
        self.octets += entry.octets

    def _fresh(self, key: _Key, now: float) -> _Entry | None:
        entry = self._entries.get(key)
        if entry is None or int(now) - entry.stored_at >= entry.heard.ttl:
            return None
        self._entries.move_to_end(key)
        return entry

    def _absence_above(self, asked: Forward, now: float) -> _Entry | None:
        """Find the NXDOMAIN of the name itself, asked with another type, or of one above."""
        _, _, klass, dnssec_ok, checking_disabled = _key(asked)
        for name in suffixes(asked.question.name):
            entry = self._fresh((name, _EVERY_TYPE, klass, dnssec_ok, checking_disabled), now)
            if entry is not None or name in self._apart:
                return entry
        return None


def _key(asked: Forward, *, every_type: bool = False) -> _Key:
    question = asked.question
    kind = _EVERY_TYPE if every_type else question.type
    return question.name, kind, question.klass, asked.dnssec_ok, asked.checking_disabled


def _octets(heard: Heard) -> int:
    return _ENTRY_OCTETS + sum(
        _RECORD_OCTETS + len(record.name) + len(record.data)
        for record in heard.answer + heard.authority
    )


def _aged(entry: _Entry, age: int) -> Kept:
    heard = entry.heard
    expires_at = entry.stored_at + heard.ttl
    lead = heard.ttl // 10 if heard.ttl >= _REFRESHABLE_TTL else 0
    if age > 0:
        heard = _changed(heard, _older(heard.answer, age), _older(heard.authority, age))
    return Kept(heard, expires_at, expires_at - lead)


def _older(records: tuple[Record, ...], age: int) -> tuple[Record, ...]:
    return tuple(Record(r.name, r.type, r.klass, max(r.ttl - age, 0), r.data) for r in records)


def _with_ttl(records: tuple[Record, ...], ttl: int) -> tuple[Record, ...]:
    return tuple(Record(r.name, r.type, r.klass, ttl, r.data) for r in records)


def _changed(heard: Heard, answer: tuple[Record, ...], authority: tuple[Record, ...]) -> Heard:
    return Heard(
        heard.rcode,
        answer,
        authority,
        heard.ttl,
        heard.authentic_data,
        heard.error,
        heard.denies_name,
    )
