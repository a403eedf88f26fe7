"""Answers from upstreams, kept until they expire and for a day more, to be used as stale ones.

An entry is the answer to one question: its RRsets, without records that were not asked for. The
cache is bounded in octets and drops the least recently used entry first. TTLs use whole seconds of
the monotonic clock, so that all TTLs of a reply count down at the same moment.

Entries are tuples of only numbers and octets, which Python's garbage collector does not track: with
objects, a full cache made every full collection take 100 ms.
"""

import contextlib
from collections import OrderedDict
from typing import Any, Final, NamedTuple

from smartdns.answering.plan import ExtendedError, Forward, Record
from smartdns.answering.query import Name

STALE_S: Final = 86_400
"""Seconds after its expiry in which an answer may be used as a stale one (RFC 8767)."""
SHORTEST_FAILURE_S: Final = 1
LONGEST_FAILURE_S: Final = 30
"""Seconds that a failure is kept the first time, and at most; the time doubles (RFC 9520)."""
MAXIMUM_FAILURES: Final = 10_000
_REFRESHABLE_TTL: Final = 10
_OLDER_THAN_ANY_TTL: Final = 1 << 32
_new: Final = tuple.__new__
"""The constructor of a NamedTuple is Python's and takes three times as long."""

# Octets in CPython beyond names and data, as measured; a wrong guess moves the bound, no more.
_ENTRY_OCTETS: Final = 550
_RECORD_OCTETS: Final = 170

_Key = tuple[Name, int, int, bool, bool]
_EVERY_TYPE: Final = -1


class Answer(NamedTuple):
    """An answer fit to be kept; every RRset has one TTL."""

    rcode: int
    answer: tuple[Record, ...]
    authority: tuple[Record, ...]
    ttl: int
    """Seconds that it may be cached as a whole; 0: only the asker may use it."""
    authentic_data: bool = False
    error: ExtendedError | None = None
    denies_name: bool = False
    """NXDOMAIN for the name that was asked: holds for all types and all names below (RFC 8020)."""

    def __repr__(self) -> str:
        """Show nothing of what it holds."""
        return "Answer"


class CachedAnswer(NamedTuple):
    """An answer from the cache, its TTLs counted down to the second it was looked for."""

    answer: Answer
    expires_at: int
    """Second of the monotonic clock."""
    refresh_at: int
    """From this second on, a query makes us ask upstream before the answer expires."""

    def __repr__(self) -> str:
        """Show nothing of what it holds."""
        return "CachedAnswer"


_Entry = tuple[Any, ...]
"""Second it was stored in, octets, and a `Answer`: TTL, its other fields, where in this tuple the
authority begins, then the fields of each record. One tuple without others in it is what the
collector lets go of at once.
"""
_STORED_AT: Final = 0
_OCTETS: Final = 1
_TTL: Final = 2
_RECORDS_AT: Final = 9
_Failure = tuple[float, int, int, str]
"""Until when it is believed, how many seconds that was, and its error; -1 for none."""
_NO_ERROR: Final = -1, ""


class Cache:
    """Bounded memory of answers and of failures; DO and CD each have answers of their own.

    One thread stores; any may look for what is there: each step is one call of Python's own
    dictionaries, and what they hold never changes.
    """

    def __init__(self, maximum_octets: int, apart: frozenset[Name] = frozenset()) -> None:
        """`apart`: suffixes that another upstream knows, so no absence above reaches into them."""
        self._maximum_octets = maximum_octets
        self._apart = apart
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        self._failures: OrderedDict[_Key, _Failure] = OrderedDict()
        self.octets = 0

    def find(self, asked: Forward, now: float) -> CachedAnswer | None:
        """Give an answer that has not expired; it may come from the NXDOMAIN of a name above."""
        entry = self._fresh(_key(asked), now) or self._absence_above(asked, now)
        return None if entry is None else _aged(entry, int(now) - entry[_STORED_AT])

    def find_stale(self, asked: Forward, now: float, ttl: int) -> CachedAnswer | None:
        """Give an answer that expired less than `STALE_S` ago, every TTL set to `ttl`."""
        entry = self._entries.get(_key(asked))
        if entry is None or now - entry[_STORED_AT] > entry[_TTL] + STALE_S:
            return None
        return CachedAnswer(_answer(entry, _OLDER_THAN_ANY_TTL, ttl), int(now), int(now))

    def store(self, asked: Forward, answer: Answer, now: float) -> int:
        """Keep an answer, and forget that its question failed.

        Gives the second of the monotonic clock from which on to ask again; 0: it was not kept.
        """
        key = _key(asked)
        self._failures.pop(key, None)
        if answer.ttl <= 0:
            return 0
        octets = _octets(answer)
        if octets > self._maximum_octets:
            return 0
        entry = _entry(answer, int(now), octets)
        self._put(key, entry)
        if answer.denies_name:
            self._put(_key(asked, every_type=True), entry)
        while self.octets > self._maximum_octets:
            self.octets -= self._entries.popitem(last=False)[1][_OCTETS]
        return int(now) + answer.ttl - _lead(answer.ttl)

    def note_failure(self, asked: Forward, error: ExtendedError | None, now: float) -> None:
        """Remember that no upstream could answer, for twice as long as the last time."""
        key = _key(asked)
        last = self._failures.pop(key, None)
        lasts_s = SHORTEST_FAILURE_S if last is None else min(2 * last[1], LONGEST_FAILURE_S)
        self._failures[key] = (now + lasts_s, lasts_s, *_flat(error))
        if len(self._failures) > MAXIMUM_FAILURES:
            self._failures.popitem(last=False)

    def failing(self, asked: Forward, now: float) -> bool:
        """Say whether this failed so recently that it must not be asked again yet."""
        failure = self._failures.get(_key(asked))
        return failure is not None and now < failure[0]

    def last_error(self, asked: Forward) -> ExtendedError | None:
        """Give the error of the last failure, if it is remembered."""
        failure = self._failures.get(_key(asked))
        return None if failure is None else _error(*failure[2:])

    def __len__(self) -> int:
        return len(self._entries)

    def _put(self, key: _Key, entry: _Entry) -> None:
        former = self._entries.pop(key, None)
        if former is not None:
            self.octets -= former[_OCTETS]
        self._entries[key] = entry
        self.octets += entry[_OCTETS]

    def _fresh(self, key: _Key, now: float) -> _Entry | None:
        entry = self._entries.get(key)
        if entry is None or int(now) - entry[_STORED_AT] >= entry[_TTL]:
            return None
        with contextlib.suppress(KeyError):  # the reactor's thread has just dropped it
            self._entries.move_to_end(key)
        return entry

    def _absence_above(self, asked: Forward, now: float) -> _Entry | None:
        """Find the NXDOMAIN of the name itself, asked with another type, or of one above."""
        (name, _, klass), dnssec_ok, checking_disabled, _ = asked
        entries, apart = self._entries, self._apart
        start = 0
        while size := name[start]:
            above = Name(name[start:])
            key = above, _EVERY_TYPE, klass, dnssec_ok, checking_disabled
            if key in entries and (entry := self._fresh(key, now)) is not None:
                return entry
            if above in apart:
                return None
            start += size + 1
        return None


def _key(asked: Forward, *, every_type: bool = False) -> _Key:
    (name, kind, klass), dnssec_ok, checking_disabled, _ = asked
    return name, _EVERY_TYPE if every_type else kind, klass, dnssec_ok, checking_disabled


def _octets(answer: Answer) -> int:
    return _ENTRY_OCTETS + sum(
        _RECORD_OCTETS + len(record.name) + len(record.data)
        for record in answer.answer + answer.authority
    )


def _entry(answer: Answer, now: int, octets: int) -> _Entry:
    return (
        now,
        octets,
        answer.ttl,
        answer.rcode,
        answer.authentic_data,
        *_flat(answer.error),
        answer.denies_name,
        _RECORDS_AT + 5 * len(answer.answer),
        *[
            field
            for r in answer.answer + answer.authority
            for field in (r.name, r.type, r.klass, r.ttl, r.data)
        ],
    )


def _answer(entry: _Entry, age: int, least: int = 0) -> Answer:
    """Give the answer, with the TTLs of its records lower by `age`, but no lower than `least`."""
    _, _, ttl, rcode, authentic_data, code, text, denies_name, authority_at = entry[:_RECORDS_AT]
    records = tuple(
        [
            _new(Record, (*entry[at : at + 3], max(entry[at + 3] - age, least), entry[at + 4]))
            for at in range(_RECORDS_AT, len(entry), 5)
        ]
    )
    answers = (authority_at - _RECORDS_AT) // 5
    answer, authority = records[:answers], records[answers:]
    error = _error(code, text)
    return _new(Answer, (rcode, answer, authority, ttl, authentic_data, error, denies_name))


def _aged(entry: _Entry, age: int) -> CachedAnswer:
    ttl = entry[_TTL]
    expires_at = entry[_STORED_AT] + ttl
    return _new(CachedAnswer, (_answer(entry, age), expires_at, expires_at - _lead(ttl)))


def _lead(ttl: int) -> int:
    """Give the seconds before an answer expires in which a query is a reason to ask again."""
    return ttl // 10 if ttl >= _REFRESHABLE_TTL else 0


def _flat(error: ExtendedError | None) -> tuple[int, str]:
    return _NO_ERROR if error is None else (error.code, error.text)


def _error(code: int, text: str) -> ExtendedError | None:
    return None if code < 0 else ExtendedError(code, text)
