"""Refusals: a stranger's query sent back from where it lies, with two octets of it changed.

A flood is made of such queries, so none of them may cost more than sending it back. Queries of two
forms are refused here: one question and nothing else, and one question with an OPT that has no
options. For every other query, and for names that strangers are answered, the `Responder` decides.
"""

from collections.abc import Sequence
from typing import Final

from smartdns.answering.knowledge import Knowledge
from smartdns.answering.loop_probe import NONCE_LENGTH, probe_name
from smartdns.answering.numbers import EDE_NOT_READY, EDE_PROHIBITED, NOERROR, OPTION_ERROR, REFUSED
from smartdns.answering.rate_limit import RateLimiter, Verdict, stranger_key
from smartdns.resolver.fast.batch import KEY_SIZE, DatagramBatch

_RD: Final = 0x01
_CD: Final = 0x10
_QR: Final = 0x80
_TC: Final = 0x02
_RA: Final = 0x80
_OPT_LENGTH: Final = 11
_OPT_TYPE: Final = b"\0\0\x29"
_PAYLOAD_SIZE: Final = b"\x04\xd0"  # 1232
_PROBE_LABEL: Final = probe_name(bytes(NONCE_LENGTH), bytes(16))[0]
"""Length of the first label of a loop probe, whose name strangers are answered."""


def _flags(additional: int, third: int, rcode: int) -> dict[bytes, bytes]:
    """Give for the first ten octets after the ID of each query the flags of its reply.

    `third` is the reply's third octet but for RD.
    """
    return {
        bytes((flags, more_flags, 0, 1, 0, 0, 0, 0, 0, additional)): bytes(
            (third | (flags & _RD), _RA | (more_flags & _CD) | rcode)
        )
        for flags in range(8)
        for more_flags in range(256)
    }


_REFUSED: Final = _flags(0, _QR, REFUSED), _flags(1, _QR, REFUSED)
"""For queries without and with an OPT."""
_SLIPPED: Final = _flags(0, _QR | _TC, NOERROR), _flags(1, _QR | _TC, NOERROR)
_NO_OPTIONS: Final = b"\0\0"

Missed = tuple[int, int, bytes]
"""Slot, length and sender's address of a datagram in a batch."""


class Refusals:
    """Refuses into the slots of one thread's batches."""

    def __init__(self, batch: DatagramBatch, knowledge: Knowledge, buckets: RateLimiter) -> None:
        self._batch, self._knowledge, self._buckets = batch, knowledge, buckets
        self._refused = 0
        """In this second."""
        self._refusal = b""
        """The end of a refusal's OPT: its options' length, and the extended error."""
        self._opens = True
        """There are names that strangers are answered."""

    def begin_second(self) -> None:
        """Count from zero."""
        self._refused = 0

    def begin_epoch(self) -> None:
        """Look again at what is not refused, and at why the rest is."""
        self._opens = bool(self._knowledge.switches.open_names)
        error = EDE_PROHIBITED if self._knowledge.allowlist.loaded else EDE_NOT_READY
        self._refusal = b"\0\6" + b"".join(n.to_bytes(2) for n in (OPTION_ERROR, 2, error))

    def refuse(
        self, missed: Sequence[Missed], now: float
    ) -> tuple[Sequence[int], Sequence[tuple[Missed, Verdict]]]:
        """Refuse what strangers ask; give the slots of what gets no reply, and what is left.

        What is left must be decided about. While all strangers together ask less than one network
        may, none of them can have exceeded its rate, and nobody is counted.
        """
        self._refused += len(missed)
        counts = self._refused > self._buckets.rate > 0
        silent: list[int] = []
        rest: list[tuple[Missed, Verdict]] = []
        for each in missed:
            verdict = Verdict.GO
            if counts:
                verdict = self._buckets.admit(stranger_key(each[2]), now)
                if verdict is Verdict.DROP:
                    silent.append(each[0])
                    continue
            if self._opens or not self._answer(each[0], each[1], slips=verdict is Verdict.SLIP):
                rest.append((each, verdict))
        return silent, rest

    def _answer(self, i: int, length: int, *, slips: bool) -> bool:
        """Fill a slot; False: the query has another form."""
        if not 16 < length <= KEY_SIZE:
            return False
        batch = self._batch
        _, keys, vector = batch.slots[i]
        key = batch.queries[keys[length]]
        if key[10] == _PROBE_LABEL:
            return False
        bare, with_opt = _SLIPPED if slips else _REFUSED
        end = _question_end(key)
        if end == length - 2:
            flags = bare.get(key[:10])
            if flags is not None:
                batch.queries[batch.headers[i]] = flags
                batch.vectors[vector] = batch.own_vectors[i][length]
            return flags is not None
        flags, opt = with_opt.get(key[:10]), key[end:]
        if flags is None or not end or not _is_bare_opt(opt):
            return False
        opt_head = _OPT_TYPE + _PAYLOAD_SIZE + b"\0\0" + bytes((opt[7] & 0x80, 0))
        opt_end = _NO_OPTIONS if slips else self._refusal
        batch.answer_from_scratch(i, b"".join((flags, key[2:end], opt_head, opt_end)))
        return True


def _is_bare_opt(opt: bytes) -> bool:
    """Say whether this is an OPT record of version 0 without options, and nothing else."""
    return (
        len(opt) == _OPT_LENGTH and opt[:3] == _OPT_TYPE and opt[6] == 0 and opt[9:] == _NO_OPTIONS
    )


def _question_end(key: bytes) -> int:
    """Give where the question of `key`, a query after its ID, would end; 0: its name is none."""
    at = 10
    try:
        while 0 < (size := key[at]) < 64:
            at += size + 1
    except IndexError:
        return 0
    return 0 if size else at + 5
