"""Refusals: what strangers are sent, hardly dearer than sending their queries back.

    ends as one that was read before   two looks into tables
    the barest form                    its name is walked
    anything else                      read as a client's is

A flood of made-up names ends in the same name again and again, so what follows the first label is
remembered once it was found good.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Final

from smartdns.answering.knowledge import Knowledge
from smartdns.answering.loop_probe import NONCE_LENGTH, is_probe, probe_name
from smartdns.answering.loop_probe import SUFFIX as PROBES
from smartdns.answering.names import below
from smartdns.answering.numbers import EDE_NOT_READY, EDE_PROHIBITED
from smartdns.answering.query import Name, Question
from smartdns.answering.rate_limit import RateLimiter, Verdict, stranger_key
from smartdns.resolver.common_query import CommonQuery, read_common_query
from smartdns.resolver.memo import View
from smartdns.resolver.mmsg import KEY_SIZE, DatagramBatch
from smartdns.resolver.short_reply import (
    BARE_REFUSALS,
    REFUSED_FLAGS,
    SLIP_FLAGS,
    answer_shortly,
    plain_end,
    refusal_flags,
    refusal_with_opt,
)
from smartdns.resolver.templates import ServerCookies

_PROBE_LABEL: Final = probe_name(bytes(NONCE_LENGTH), bytes(16))[0]
"""Length of a probe's first label."""
_MOST_ENDS: Final = 4_096

Missed = tuple[int, int, bytes]
"""Slot, length and sender's address."""


class Strangers:
    """Refuses into the slots of one thread's batches."""

    def __init__(
        self,
        batch: DatagramBatch,
        knowledge: Knowledge,
        buckets: RateLimiter,
        cookies: ServerCookies,
    ) -> None:
        self._batch, self._knowledge = batch, knowledge
        self._buckets, self._cookies = buckets, cookies
        self._refused = 0
        """Strangers' queries in this second."""
        self._refusal = EDE_NOT_READY
        self._opens = True
        """There are names that strangers are answered."""
        self.ends: set[bytes] = set()
        """What follows the first label of queries of the barest form: labels, type, class."""

    def begin_second(self) -> None:
        """Count anew."""
        self._refused = 0

    def begin_epoch(self) -> None:
        """Look again at what is not refused, and why the rest is."""
        self.ends.clear()
        self._opens = bool(self._knowledge.switches.open_names)
        loaded = self._knowledge.allowlist.loaded
        self._refusal = EDE_PROHIBITED if loaded else EDE_NOT_READY

    def refuse_known(
        self, missed: Sequence[Missed], views: Mapping[bytes, View | None]
    ) -> Sequence[Missed]:
        """Refuse known strangers' queries that end as others did; give the rest, in order.

        Only while all strangers together ask less than one may: so they may be refused one
        network's rate beyond their buckets. To be called where there are any `ends`.
        """
        refused = self._refused
        if refused + len(missed) > self._buckets.rate > 0:
            return missed
        batch, ends, bare = self._batch, self.ends, BARE_REFUSALS
        queries, slots, vectors, headers = batch.queries, batch.slots, batch.vectors, batch.headers
        rest: list[Missed] = []
        for each in missed:
            i, length, address = each
            _, keys, vector = slots[i]
            if 16 < length <= KEY_SIZE and address in views and views[address] is None:
                key = queries[keys[length]]
                flags = bare.get(key[:10])
                size = key[10]
                if flags is not None and 0 < size < 64 and key[11 + size :] in ends:
                    queries[headers[i]] = flags
                    vectors[vector] = batch.own_vectors[i][length]
                    refused += 1
                    continue
            rest.append(each)
        self._refused = refused
        return rest

    def refuse_barest(self, i: int, length: int) -> bool:
        """Refuse a query of the barest form, under the same condition."""
        self._refused += 1
        if self._refused > self._buckets.rate > 0 or length > KEY_SIZE:
            return False
        batch = self._batch
        key = batch.queries[batch.slots[i][1][length]]
        end = plain_end(key)
        if not end or self._opens:
            return False
        probes = key.lower().find(PROBES) >= 0
        if probes and key[10] == _PROBE_LABEL:
            return False
        if key[9] == 0 and end == length - 2:
            batch.answer_from_query(i, length, refusal_flags(key))
            if not probes and key[10]:
                self._note_end(key[11 + key[10] :])
            return True
        body = refusal_with_opt(key, end, self._refusal) if key[9] else None
        if body is not None:
            batch.answer_from_scratch(i, body)
        return body is not None

    def _note_end(self, end: bytes) -> None:
        if len(self.ends) >= _MOST_ENDS:
            self.ends.clear()
        self.ends.add(end)

    def refuse(self, missed: Missed, data: bytes, now: float) -> Verdict | None:
        """Give None where the slot was filled, DROP for silence, else what the reactor may do."""
        i, _, address = missed
        verdict = self._buckets.admit(stranger_key(address), now)
        if verdict is Verdict.DROP:
            return verdict
        query = read_common_query(data)
        if query is None or self._is_for_strangers(query):
            return verdict
        slips = verdict is Verdict.SLIP
        cookie = self._cookies.reply_to(query.cookie, address) if query.cookie else b""
        flags, error = (SLIP_FLAGS, None) if slips else (REFUSED_FLAGS, self._refusal)
        answer_shortly(self._batch, i, data, query, flags, error, cookie)
        return None

    def _is_for_strangers(self, query: CommonQuery) -> bool:
        """Say whether it is one of the few names that a stranger is answered."""
        open_names = self._knowledge.switches.open_names
        if not open_names and query.canonical.find(PROBES) < 0:
            return False
        name = Name(query.question[:-4].lower())
        question = Question(name, *struct.unpack("!HH", query.question[-4:]))
        return below(name, open_names) is not None or is_probe(question, self._cookies.secret)
