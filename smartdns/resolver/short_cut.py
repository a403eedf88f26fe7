"""The short cut of a common miss: a question that no rule speaks of, and a reply as most are.

    hot thread    no rule, no memory of it   -> the first query leaves from here
    reactor       the reply, if it is plain  -> to the asker, then into the cache

Everything else takes the long way by `Responder`, from the beginning or from where the short cut
ends, and what came of it is the same.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from smartdns.answering.codes import CLASS_IN, OPT
from smartdns.answering.ordinary import OrdinaryNames
from smartdns.answering.plan import Forward
from smartdns.answering.query import Name, Question
from smartdns.answering.rate_limit import Verdict
from smartdns.answering.rebinding import BEARERS, leads_home
from smartdns.resolver.common_query import CommonQuery
from smartdns.resolver.mmsg import WayBack
from smartdns.resolver.plain_answer import plain_answer
from smartdns.resolver.responder import Responder
from smartdns.resolver.second_look import Miss
from smartdns.resolver.templates import ServerCookies
from smartdns.upstream.shots import Shot
from smartdns.wire.plain_reply import read_plain_reply

_RD, _CD = 0x01, 0x10
_IN: Final = b"\0\1"
_FIRST_ODD_TYPE, _LAST_ODD_TYPE = 128, 255
"""Types that are no data's (RFC 6895 section 3.1)."""
_made: Final = tuple.__new__
"""As in `common_query`; nor is `Name` called, for the same reason."""


class ShortCut:
    """Of one socket."""

    def __init__(
        self,
        responder: Responder,
        cookies: ServerCookies,
        send: Callable[[bytes, WayBack], None],
        go_long: Callable[[Miss], None],
    ) -> None:
        """`go_long` answers a miss in whatever other way there is."""
        self._responder, self._knowledge = responder, responder.knowledge
        self._cookies, self._send, self._go_long = cookies, send, go_long
        self._ordinary = OrdinaryNames()
        responder.forwarder.shots.wanted = True

    def take(self, miss: Miss) -> bool:
        """Ask upstream for the miss; False: it is for others. Called from the hot thread."""
        query = miss.query
        if query is None or miss.verdict is not Verdict.GO:
            return False
        knowledge = self._knowledge
        try:
            plan = plan_for(miss.data, query)
            if (
                plan is None
                or not self._ordinary.has(plan.question.name, knowledge)
                or knowledge.cache.knows(plan)
            ):
                return False
            landed, go_long = partial(self._pass_on, miss, query), partial(self._go_long, miss)
            return self._responder.forwarder.fire(plan, landed, go_long)
        except Exception:  # noqa: BLE001 - a mistake of ours: the long way answers, or says so
            return False

    def _pass_on(self, miss: Miss, query: CommonQuery, shot: Shot, data: bytes, end: int) -> bool:
        """Pass a plain reply on; False: it is not plain, or would not be once passed on.

        The asker first, then the cache. Whatever is raised here sends the query the long way.
        """
        question = shot.plan.question
        plain = read_plain_reply(data, end, question)
        if plain is None:
            return False
        if self._knowledge.switches.filter_private_answers and question.type in BEARERS:
            for each in plain.datas:
                if leads_home(question.type, each):
                    return False
        cookie = self._cookies.reply_to(query.cookie, miss.address) if query.cookie else b""
        reply = plain_answer(miss.data, query, plain, cookie)
        if reply is None:
            return False
        self._send(reply, miss.way_back)
        self._responder.outcomes["answered"] += 1
        self._knowledge.cache.store(shot.plan, plain.heard(question), self._responder.clock())
        return True


def plan_for(data: bytes, query: CommonQuery) -> Forward | None:
    """Give what is asked upstream for an ordinary name; None where the form alone decides."""
    wire = query.question
    kind = wire[-4] << 8 | wire[-3]
    if (
        not data[2] & _RD
        or wire[-2:] != _IN
        or kind == OPT
        or _FIRST_ODD_TYPE <= kind <= _LAST_ODD_TYPE
    ):
        return None
    name: Name = query.canonical[10 : 6 + len(wire)]  # type: ignore[assignment]
    question = _made(Question, (name, kind, CLASS_IN))
    return _made(Forward, (question, query.dnssec_ok, bool(data[3] & _CD), False))
