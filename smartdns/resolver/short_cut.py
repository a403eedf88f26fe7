"""The short cut of a common miss: a question that no rule speaks of, and a reply as most are.

    hot thread    no rule, no memory of it   -> the first query leaves from here
    reactor       the reply, if it is plain  -> to the asker, then into the cache

Everything else takes the long way by `Responder`, from the beginning or from where the short cut
ends, and what came of it is the same.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from twisted.logger import Logger

from smartdns.answering.cache import Heard
from smartdns.answering.codes import OPT
from smartdns.answering.ordinary import OrdinaryNames
from smartdns.answering.plan import Forward
from smartdns.answering.query import Name, Question
from smartdns.answering.rate_limit import Verdict
from smartdns.answering.rebinding import without_private
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
        try:
            return self._ask(miss, query)
        except Exception:  # noqa: BLE001 - a mistake of ours: the long way answers, or says so
            return False

    def _ask(self, miss: Miss, query: CommonQuery) -> bool:
        plan = plan_for(miss.data, query)
        knowledge = self._knowledge
        if (
            plan is None
            or not self._ordinary.has(plan.question.name, knowledge)
            or knowledge.cache.knows(plan)
        ):
            return False
        return self._responder.forwarder.fire(
            plan,
            partial(self._land, miss, query),
            partial(self._go_long, miss),
        )

    def _land(self, miss: Miss, query: CommonQuery, shot: Shot, data: bytes, end: int) -> bool:
        try:
            return self._pass_on(shot, data, end, miss, query)
        except Exception:  # noqa: BLE001 - as above
            Logger().failure("a plain reply could not be passed on")
            return False

    def _pass_on(self, shot: Shot, data: bytes, end: int, miss: Miss, query: CommonQuery) -> bool:
        """Pass a plain reply on; False: it is not plain, or would not be once passed on."""
        plan = shot.plan
        heard = read_plain_reply(data, end, plan.question)
        if heard is None or self._is_private(heard, plan.question.name):
            return False
        cookie = self._cookies.reply_to(query.cookie, miss.address) if query.cookie else b""
        reply = plain_answer(miss.data, query, heard, cookie)
        if reply is None:
            return False
        self._send(reply, miss.way_back)
        self._responder.outcomes["answered"] += 1
        self._knowledge.cache.store(plan, heard, self._responder.clock())
        return True

    def _is_private(self, heard: Heard, name: Name) -> bool:
        filters = self._knowledge.switches.filter_private_answers
        return filters and without_private(heard, name) is not heard


def plan_for(data: bytes, query: CommonQuery) -> Forward | None:
    """Give what is asked upstream for an ordinary name; None where the form alone decides."""
    wire = query.question
    kind = int.from_bytes(wire[-4:-2])
    if (
        not data[2] & _RD
        or wire[-2:] != _IN
        or kind == OPT
        or _FIRST_ODD_TYPE <= kind <= _LAST_ODD_TYPE
    ):
        return None
    name = Name(query.canonical[10 : 6 + len(wire)])
    return Forward(Question(name, kind, 1), query.dnssec_ok, bool(data[3] & _CD))
