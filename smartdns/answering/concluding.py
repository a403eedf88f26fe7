"""Makes a reply from an upstream's answer, received now or earlier."""

from typing import Final

from smartdns.answering.knowledge import Knowledge
from smartdns.answering.memory.cache import Answer, CachedAnswer
from smartdns.answering.names import below
from smartdns.answering.numbers import (
    ANY,
    EDE_NETWORK_ERROR,
    EDE_NO_REACHABLE_AUTHORITY,
    EDE_STALE,
    EDE_STALE_NXDOMAIN,
    NOERROR,
    NOTIMP,
    NXDOMAIN,
    REFUSED,
    SERVFAIL,
)
from smartdns.answering.plan import ExtendedError, Forward, Reply
from smartdns.answering.query import Name
from smartdns.answering.replies.rebinding import without_private
from smartdns.answering.replies.records import minimal_any, soa
from smartdns.answering.replies.sanitize import sanitize
from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.answering.rules.steering import TTL as STEERED_TTL

STALE_TTL: Final = 30  # RFC 8767 section 4
_new: Final = tuple.__new__
"""As in `cache`."""
_UNREACHABLE: Final = ExtendedError(EDE_NO_REACHABLE_AUTHORITY)
_UNUSABLE: Final = ExtendedError(EDE_NETWORK_ERROR)


def recall(asked: Forward, knowledge: Knowledge, now: float) -> Reply | Forward:
    """Give the reply from the cache; else `asked`, to be forwarded."""
    cache = knowledge.cache
    kept = cache.find(asked, now)
    if kept is not None:
        return _from_memory(asked, kept, knowledge, now)
    if cache.failing(asked, now):
        return _without_upstream(asked, cache.last_error(asked), knowledge, now)
    return asked


def conclude(asked: Forward, said: UpstreamReply | None, knowledge: Knowledge, now: float) -> Reply:
    """Cache the upstreams' reply and make our reply from it; None: no upstream answered."""
    if said is not None and asked.question.type == ANY and said.rcode == NOTIMP:
        return Reply(NOERROR, (minimal_any(asked.question.name, STEERED_TTL),))
    answer = None if said is None else sanitize(asked.question, said, dnssec_ok=asked.dnssec_ok)
    if answer is None:
        error = _why(said)
        knowledge.cache.note_failure(asked, error, now)
        return _without_upstream(asked, error, knowledge, now)
    switches = knowledge.switches
    if switches.filter_private_answers:
        name = asked.question.name
        if below(name, switches.private_suffixes) is None:
            answer = without_private(answer, name)
    refresh_at = knowledge.cache.store(asked, answer, now)
    return _reply(asked, answer, knowledge, valid_until=refresh_at)


def _why(said: UpstreamReply | None) -> ExtendedError:
    """Give the upstream's own error, else the nearest one of RFC 8914 section 4."""
    if said is not None and said.error is not None:
        return said.error
    unanswered = said is None or said.rcode in {SERVFAIL, REFUSED}
    return _UNREACHABLE if unanswered else _UNUSABLE


def _from_memory(asked: Forward, kept: CachedAnswer, knowledge: Knowledge, now: float) -> Reply:
    """Make a reply from the cache; it may be repeated until it is time to refresh it."""
    refresh = now >= kept.refresh_at and not knowledge.cache.failing(asked, now)
    return _reply(
        asked,
        kept.answer,
        knowledge,
        valid_until=kept.refresh_at if now < kept.refresh_at else 0.0,
        refresh=asked if refresh else None,
    )


def _without_upstream(
    asked: Forward, error: ExtendedError | None, knowledge: Knowledge, now: float
) -> Reply:
    return stale(asked, knowledge, now) or Reply(SERVFAIL, error=error)


def stale(asked: Forward, knowledge: Knowledge, now: float) -> Reply | None:
    """Give an expired answer, instead of none or of a late one (RFC 8767); None: there is none."""
    kept = knowledge.cache.find_stale(asked, now, STALE_TTL)
    if kept is None:
        return None
    code = EDE_STALE_NXDOMAIN if kept.answer.rcode == NXDOMAIN else EDE_STALE
    return _reply(asked, kept.answer, knowledge, error=ExtendedError(code))


def _reply(
    asked: Forward,
    answer: Answer,
    knowledge: Knowledge,
    *,
    valid_until: float = 0.0,
    refresh: Forward | None = None,
    error: ExtendedError | None = None,
) -> Reply:
    rcode, authority = answer.rcode, answer.authority
    if rcode == NXDOMAIN and asked.nxdomain_is_nodata:
        match = knowledge.catalog.find(asked.question.name)
        owner = asked.question.name if match is None else Name(match.owner)
        rcode, authority = NOERROR, (soa(owner, STEERED_TTL),)
    authentic_data = answer.authentic_data and rcode == answer.rcode
    fields = (
        rcode, answer.answer, authority, (), authentic_data, error or answer.error, False,
        valid_until, refresh, False,
    )  # fmt: skip
    return _new(Reply, fields)
