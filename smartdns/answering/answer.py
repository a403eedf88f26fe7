"""The decision, from top to bottom."""

from typing import Final

from smartdns.answering.concluding import recall
from smartdns.answering.knowledge import Knowledge
from smartdns.answering.names import below
from smartdns.answering.numbers import EDE_NOT_READY, EDE_PROHIBITED, NOERROR, REFUSED
from smartdns.answering.plan import ExtendedError, Forward, Plan, Reply, Silence
from smartdns.answering.query import Query, Question, Source
from smartdns.answering.rules.acceptable import acceptable_question
from smartdns.answering.rules.check_names import answer_check_name
from smartdns.answering.rules.cookies import Cookie
from smartdns.answering.rules.local_names import answer_locally
from smartdns.answering.rules.loop_probe import is_probe, probe_reply
from smartdns.answering.rules.steering import steer
from smartdns.contract.grants import Profile

_NOT_READY: Final = Reply(REFUSED, error=ExtendedError(EDE_NOT_READY), constant=True)
_new: Final = tuple.__new__
"""As in `cache`."""
_PROHIBITED: Final = Reply(REFUSED, error=ExtendedError(EDE_PROHIBITED), constant=True)


def answer(
    query: Query,
    source: Source,
    profile: Profile | None,
    knowledge: Knowledge,
    now: float,
    cookie: Cookie | None = None,
) -> Plan:
    """Decide about a query from `source`, which was granted `profile`; None: it is a stranger.

    `now` is monotonic seconds. `cookie` is the result of checking the query's COOKIE option; None:
    the query has no such option.
    """
    if source.port == 0:  # no client has port 0; a reply would be looped back to us
        return Silence()
    if query.question is not None and is_probe(query.question, knowledge.cookie_secret):
        return probe_reply(query.question)
    if profile is None:
        return _for_stranger(query, knowledge, now)
    if profile.claimed:
        return _for_claimed(query, source, profile, knowledge, now, cookie)
    return _for_client(query, profile, knowledge, now, cookie)


def _for_client(
    query: Query, profile: Profile, knowledge: Knowledge, now: float, cookie: Cookie | None
) -> Plan:
    question = acceptable_question(query, cookie)
    if isinstance(question, Reply):
        return question
    return (
        answer_check_name(question, profile, knowledge)
        or answer_locally(question, knowledge.switches)
        or _steered(query, question, profile, knowledge, now)
        or recall(forward(query, question), knowledge, now)
    )


def _for_claimed(
    query: Query,
    source: Source,
    profile: Profile,
    knowledge: Knowledge,
    now: float,
    cookie: Cookie | None,
) -> Plan:
    """Answer only a proven address; else an attacker could direct our replies at others."""
    if source.transport != "udp" or (cookie is not None and cookie.valid):
        knowledge.verified.note(source.address, now)
    elif not knowledge.verified.lately(source.address, now):
        return Reply(NOERROR, truncated=True)
    plan = _for_client(query, profile, knowledge, now, cookie)
    if isinstance(plan, Reply):  # it is for this address, not for all with this profile
        return plan._replace(constant=False, valid_until=0.0)
    return plan


def _for_stranger(query: Query, knowledge: Knowledge, now: float) -> Plan:
    """Refuse, with the reason only; answer only names that the operator opened to strangers."""
    if query.question is not None and below(query.question.name, knowledge.switches.open_names):
        question = acceptable_question(query, None)
        if isinstance(question, Reply):
            return question
        return recall(forward(query, question), knowledge, now)
    return _PROHIBITED if knowledge.allowlist.loaded else _NOT_READY


def _steered(
    query: Query, question: Question, profile: Profile, knowledge: Knowledge, now: float
) -> Reply | Forward | None:
    plan = steer(query, question, profile, knowledge)
    return recall(plan, knowledge, now) if isinstance(plan, Forward) else plan


def forward(query: Query, question: Question) -> Forward:
    """Give the question to ask upstream: the query's question, DO and CD, and nothing else."""
    edns = query.edns
    dnssec_ok = edns is not None and edns.dnssec_ok
    return _new(Forward, (question, dnssec_ok, query.checking_disabled, False))
