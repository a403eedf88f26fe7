"""The short cut of a common miss: a question that no rule speaks of, and a reply as most are.

    hot thread    no rule, no memory of it   -> the first query leaves from here
    reactor       the reply, if it is plain  -> to the asker, then into the cache

Everything else takes the long way by `Responder`, from the beginning or from where the short cut
ends, and what came of it is the same.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Final

from smartdns.answering.local_names import BROWSING
from smartdns.answering.names_with_rules import names_with_rules
from smartdns.answering.numbers import CD, CLASS_IN, FIRST_META_TYPE, LAST_META_TYPE, OPT, RD_OCTET
from smartdns.answering.plan import Forward
from smartdns.answering.query import Name, Question
from smartdns.answering.rate_limit import Verdict
from smartdns.answering.rebinding import any_leads_home
from smartdns.resolver.common_query import CommonQuery
from smartdns.resolver.mmsg import WayBack
from smartdns.resolver.plain_answer import BegunAnswer, begin_answer, plain_answer
from smartdns.resolver.responder import Responder
from smartdns.resolver.second_look import Miss
from smartdns.resolver.templates import ServerCookies
from smartdns.upstream.shots import Shot
from smartdns.wire.plain_reply import read_plain_reply

_IN: Final = b"\0\1"
Where = tuple[tuple[str | int, ...], list[tuple[int, int, bytes]]]
"""An address and ancillary data, as `socket.sendmsg` takes them."""
_made: Final = tuple.__new__
"""As in `common_query`; nor is `Name` called, for the same reason."""


class ShortCut:
    """Of one socket."""

    def __init__(
        self,
        responder: Responder,
        cookies: ServerCookies,
        where: Callable[[WayBack], Where],
        send: Callable[[bytes, Where], None],
        go_long: Callable[[Miss], None],
        hand_over: Callable[[Sequence[Miss]], None],
    ) -> None:
        """`go_long` answers a miss in whatever other way there is; `hand_over` has it done so."""
        self._responder, self._knowledge = responder, responder.knowledge
        self._cookies, self._where = cookies, where
        self._send, self._go_long = send, go_long
        self._landed, self._hand_over = self._pass_on, hand_over
        self._shots = responder.forwarder.shots
        self._shots.wanted = True
        self.asked = 0
        """Misses that took it."""
        self._generation = -1
        self._with_rules: frozenset[bytes] = frozenset()
        """As of that generation of knowledge."""

    def ask(self, misses: Sequence[Miss]) -> None:
        """Ask upstream for a batch's misses, or hand them over. Called from the hot thread."""
        under_way, rest = [], []
        for miss in misses:
            query = miss.query
            try:
                if miss.epoch[1] != self._generation:
                    self._take_in(miss.epoch[1])
                if (
                    query is None
                    or miss.verdict is not Verdict.GO
                    or (plan := plan_for(miss.data, query)) is None
                    or self._knowledge.cache.knows(plan, self._with_rules)
                    or not (shot := self._shots.fire(plan, self._landed, self._go_long, miss))
                ):
                    rest.append(miss)
                else:
                    under_way.append(shot)
            except Exception:  # noqa: BLE001 - a mistake of ours: the long way answers, or says so
                rest.append(miss)
        if rest:
            self._hand_over(rest)
        self.asked += len(under_way)
        with contextlib.suppress(Exception):  # who needs it makes it, and says what is wrong
            for shot in under_way:
                shot.prepared = self._prepare(shot.asker)

    def _prepare(self, miss: Miss) -> tuple[BegunAnswer, Where] | None:
        """Make all of a reply that the upstream has no say in, and where it goes."""
        query = miss.query
        if query is None:
            return None
        cookie = self._cookies.reply_to(query.cookie, miss.address) if query.cookie else b""
        return begin_answer(miss.data, query, cookie), self._where(miss.way_back)

    def _take_in(self, generation: int) -> None:
        self._with_rules = names_with_rules(self._knowledge) | self._responder.forwarder.suffixes
        self._generation = generation

    def _pass_on(self, shot: Shot[Miss], data: bytes, end: int) -> bool:
        """Pass a plain reply on; False: it is not plain, or would not be once passed on.

        The asker first, then the cache. Whatever is raised here sends the query the long way.
        """
        question = shot.plan.question
        plain = read_plain_reply(data, end, question)
        # An upstream may be quicker than the hot thread, which prepares once all are asked.
        prepared = shot.prepared or self._prepare(shot.asker)
        if plain is None or prepared is None:
            return False
        if self._knowledge.switches.filter_private_answers and any_leads_home(
            question.type, plain.datas
        ):
            return False
        begun, where = prepared
        reply = plain_answer(begun, plain)
        if reply is None:
            return False
        self._send(reply, where)
        self._responder.outcomes["answered"] += 1
        self._knowledge.cache.store(shot.plan, plain.answer(question), self._responder.clock())
        return True


def plan_for(data: bytes, query: CommonQuery) -> Forward | None:
    """Give what is asked upstream for an ordinary name; None where a form decides.

    Its form does for the root, and for what can be browsed.
    """
    wire = query.question
    kind = wire[-4] << 8 | wire[-3]
    if (
        not data[2] & RD_OCTET
        or wire[-2:] != _IN
        or kind == OPT
        or FIRST_META_TYPE <= kind <= LAST_META_TYPE
    ):
        return None
    name: Name = query.canonical[10 : 6 + len(wire)]  # type: ignore[assignment]
    if name[0] == 0 or name.startswith(BROWSING):
        return None
    question = _made(Question, (name, kind, CLASS_IN))
    return _made(Forward, (question, query.dnssec_ok, bool(data[3] & CD), False))
