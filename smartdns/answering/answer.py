"""The decision, from top to bottom."""

from smartdns.answering.check_names import answer_check_name
from smartdns.answering.codes import EDE_NOT_READY, EDE_PROHIBITED, NOERROR, REFUSED
from smartdns.answering.concluding import recall
from smartdns.answering.cookies import Cookie
from smartdns.answering.form import judge_form
from smartdns.answering.knowledge import Knowledge
from smartdns.answering.local_names import answer_locally
from smartdns.answering.names import below
from smartdns.answering.plan import ExtendedError, Forward, Plan, Reply, Silence
from smartdns.answering.query import Query, Question, Source
from smartdns.answering.steering import steer
from smartdns.contract.grants import Profile

_NOT_READY = Reply(REFUSED, error=ExtendedError(EDE_NOT_READY), constant=True)
_PROHIBITED = Reply(REFUSED, error=ExtendedError(EDE_PROHIBITED), constant=True)


def answer(
    query: Query,
    source: Source,
    knowledge: Knowledge,
    now: float,
    day: int,
    cookie: Cookie | None = None,
) -> Plan:
    """Decide about a query: `now` in monotonic seconds, `day` a UTC day's ordinal.

    `cookie` is what the query's COOKIE option was found to be worth, None without one.
    """
    if source.port == 0:
        return Silence()
    profile = knowledge.allowlist.lookup(source.address, day)
    if profile is None:
        return _for_stranger(query, knowledge, now)
    proved = source.transport != "udp" or (cookie is not None and cookie.valid)
    if profile.claimed and not proved:
        return Reply(NOERROR, truncated=True)
    question = judge_form(query, cookie)
    if isinstance(question, Reply):
        return question
    return (
        answer_check_name(question, profile, knowledge)
        or answer_locally(question, knowledge.switches)
        or _steered(query, question, profile, knowledge, now)
        or recall(forward(query, question), knowledge, now)
    )


def _for_stranger(query: Query, knowledge: Knowledge, now: float) -> Plan:
    """Refuse, and say no more than why; only names that an operator opened are looked up."""
    if query.question is not None and below(query.question.name, knowledge.switches.open_names):
        question = judge_form(query, None)
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
    """What is asked upstream in a query's place: DO and CD go along, nothing else does."""
    edns = query.edns
    return Forward(question, edns is not None and edns.dnssec_ok, query.checking_disabled)
