"""Refusals: a stranger's query is sent back from its own buffer, with two octets changed.

A flood consists of such queries, so a refusal may cost no more than sending the query back. Queries
of two forms are refused here: one question and nothing else, and one question with an OPT record
without options. The `Responder` decides about other queries, and about names open to strangers.
"""

from collections.abc import Sequence
from typing import Final

from smartdns.answering.knowledge import Knowledge
from smartdns.answering.numbers import (
    CD,
    DO_OCTET,
    EDE_NOT_READY,
    EDE_PROHIBITED,
    HEADER_LENGTH,
    LONGEST_LABEL,
    NOERROR,
    OPCODE_OCTET,
    QR_OCTET,
    RA,
    RD_OCTET,
    REFUSED,
    TC_OCTET,
)
from smartdns.answering.plan import ExtendedError
from smartdns.answering.rules.loop_probe import NONCE_LENGTH, probe_name
from smartdns.answering.rules.rate_limit import RateLimiter, Verdict, stranger_key
from smartdns.resolver.fast.batch import KEY_SIZE, DatagramBatch
from smartdns.wire.edns import BARE_OPT, OPT_RECORD, error_option, write_opt

_SHORTEST: Final = HEADER_LENGTH + 5
"""Octets of a query for the root."""
_PROBE_LABEL: Final = probe_name(bytes(NONCE_LENGTH), bytes(16))[0]
"""Length of the first label of a loop probe, which is answered for strangers, too."""
_OPT_START: Final = BARE_OPT[False][:3]
"""The root name (one octet) and the type."""
_ONE_OPT: Final = b"\0\1\0\0\0\0\0\1"
"""Counts of the header: one question, one additional record."""


def _flags(additional: int, first: int, rcode: int) -> dict[bytes, bytes]:
    """Give a table: the first ten octets after a query's ID -> the flags of its reply.

    `first` is the first octet of the flags, without RD.
    """
    return {
        bytes((flags, more_flags, 0, 1, 0, 0, 0, 0, 0, additional)): bytes(
            (first | (flags & RD_OCTET), RA | (more_flags & CD) | rcode)
        )
        for flags in range(OPCODE_OCTET & -OPCODE_OCTET)
        for more_flags in range(256)
    }


_REFUSED: Final = _flags(0, QR_OCTET, REFUSED), _flags(1, QR_OCTET, REFUSED)
"""For queries without and with an OPT."""
_SLIPPED: Final = tuple(_flags(each, QR_OCTET | TC_OCTET, NOERROR) for each in (0, 1))

Missed = tuple[int, int, bytes]
"""Slot, length and sender's address of a datagram in a batch."""


class Refusals:
    """Writes refusals into the slots of one thread's batches."""

    def __init__(self, batch: DatagramBatch, knowledge: Knowledge, buckets: RateLimiter) -> None:
        self._batch, self._knowledge, self._buckets = batch, knowledge, buckets
        self._refused = 0
        """Queries of strangers in this second."""
        self._opts: dict[bool, bytes] = {}
        """The OPT record of a refusal, by the DO bit."""
        self._opens = True
        """Whether some names are open to strangers."""

    def begin_second(self) -> None:
        """Count from zero."""
        self._refused = 0

    def begin_epoch(self) -> None:
        """Read again which names are open to strangers, and which error a refusal gives."""
        self._opens = bool(self._knowledge.switches.open_names)
        error = EDE_PROHIBITED if self._knowledge.allowlist.loaded else EDE_NOT_READY
        options = (error_option(ExtendedError(error)),)
        for dnssec_ok in (False, True):
            self._opts[dnssec_ok] = write_opt(REFUSED, options, dnssec_ok=dnssec_ok)

    def refuse(
        self, missed: Sequence[Missed], now: float
    ) -> tuple[Sequence[int], Sequence[tuple[Missed, Verdict]]]:
        """Refuse strangers' queries; give the slots without a reply, and the queries that are left.

        The responder must decide about those left. While all strangers together ask less than the
        limit of one network, none can have exceeded its rate, and no counting is needed.
        """
        self._refused += len(missed)
        if self._opens or self._refused > self._buckets.rate > 0:
            return self._refuse_counted(missed, now)
        batch = self._batch
        queries, slots, vectors, headers = batch.queries, batch.slots, batch.vectors, batch.headers
        bare = _REFUSED[0]
        rest: list[tuple[Missed, Verdict]] = []
        for each in missed:
            i, length, _ = each
            if not _SHORTEST <= length <= KEY_SIZE:
                rest.append((each, Verdict.GO))
                continue
            _, keys, vector = slots[i]
            key = queries[keys[length]]
            end = _question_end(key)
            if end == length - 2 and (flags := bare.get(key[:10])) and key[10] != _PROBE_LABEL:
                queries[headers[i]] = flags
                vectors[vector] = batch.own_vectors[i][length]
            elif not self._answer(i, length, slips=False):
                rest.append((each, Verdict.GO))
        return (), rest

    def _refuse_counted(
        self, missed: Sequence[Missed], now: float
    ) -> tuple[Sequence[int], Sequence[tuple[Missed, Verdict]]]:
        """Do the same where a network may have exceeded its rate, or some names are open."""
        silent: list[int] = []
        rest: list[tuple[Missed, Verdict]] = []
        for each in missed:
            i, length, address = each
            verdict = self._buckets.admit(stranger_key(address), now)
            if verdict is Verdict.DROP:
                silent.append(i)
            elif self._opens or not self._answer(i, length, slips=verdict is Verdict.SLIP):
                rest.append((each, verdict))
        return silent, rest

    def _answer(self, i: int, length: int, *, slips: bool) -> bool:
        """Fill a slot with a refusal; False: the query has neither of the two forms."""
        if not _SHORTEST <= length <= KEY_SIZE:
            return False
        batch = self._batch
        _, keys, vector = batch.slots[i]
        key = batch.queries[keys[length]]
        bare, with_opt = _SLIPPED if slips else _REFUSED
        end = _question_end(key)
        if not end or key[10] == _PROBE_LABEL:
            return False
        if end == length - 2:
            flags = bare.get(key[:10])
            if flags is not None:
                batch.queries[batch.headers[i]] = flags
                batch.vectors[vector] = batch.own_vectors[i][length]
            return flags is not None
        flags = with_opt.get(key[:10])
        if flags is None or (dnssec_ok := _do_of_bare_opt(key[end:])) is None:
            return False
        opt = BARE_OPT[dnssec_ok] if slips else self._opts[dnssec_ok]
        batch.answer_from_scratch(i, b"".join((flags, _ONE_OPT, key[10:end], opt)))
        return True


def _do_of_bare_opt(record: bytes) -> bool | None:
    """Give the DO bit of an OPT record of version 0 without options; None: it is no such record."""
    if len(record) != OPT_RECORD.size or record[:3] != _OPT_START or record[6] or any(record[9:]):
        return None
    return record[7] & DO_OCTET != 0


def _question_end(key: bytes) -> int:
    """Give the end of the question of `key`, a query after its ID; 0: it has no valid name."""
    at = 10
    try:
        while 0 < (size := key[at]) <= LONGEST_LABEL:
            at += size + 1
    except IndexError:
        return 0
    return 0 if size else at + 5
