"""First queries: what cannot be sent, who may be asked no more, and one budget for all of it."""

from typing import Any

import pytest
from twisted.internet.task import Clock, deferLater

from smartdns.answering.memory.exchange import BUDGET_S
from smartdns.answering.names import name_of
from smartdns.answering.numbers import NOERROR
from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.upstream.group import Group, Upstream
from smartdns.upstream.question import PendingQuestion
from tests.peers.odd_name_server import OddNameServer
from tests.smartdns.upstream.asking import question, upstream
from tests.smartdns.upstream.peer import REACTOR, Peer
from tests.smartdns.upstream.pending import ADDRESS, WAYS, Asking, after_one_silence, shown


async def test_a_query_that_cannot_be_sent_is_followed_by_another(
    odd_name_server: OddNameServer,
) -> None:
    """An error closed its socket just as it was taken, or there is no route at this moment."""
    asking = Asking(WAYS[1], odd_name_server.port, odd_name_server.port)
    ready = asking.sockets.open(asking.group.members[0])
    assert ready is not None
    ready.stop()
    await asking.start(ready)
    assert shown(await asking.outcome()) == (NOERROR, [ADDRESS])
    await asking.stop()


@pytest.mark.parametrize("alone", [False, True], ids=["with another one", "alone"])
@pytest.mark.parametrize("event", ["SERVFAIL", "closed port", "silence"])
async def test_one_that_may_be_asked_no_more_is_left_for_the_others(
    odd_name_server: OddNameServer, event: str, *, alone: bool
) -> None:
    """It was found out to lead back to us while it had the query: the question ends all the same.

    The other upstream is silent at first, so that the question needs a timer of its own.
    """
    first = Peer()
    odd_name_server.react = after_one_silence(odd_name_server)
    others = [] if alone else [odd_name_server.port]
    asking = Asking(WAYS[1], first.port, *others)
    await asking.start()
    query, where = first.socket.recvfrom(512)
    asking.group.members[0].health.looped = True
    if event == "SERVFAIL":
        first.socket.sendto(query[:2] + b"\x81\x82" + query[4:], where)
    first.socket.close()
    if event == "closed port":
        (sent,) = asking.sockets._open.values()
        sent.send(query)
    expected = None if alone else (NOERROR, [ADDRESS])
    assert shown(await asking.outcome()) == expected
    await asking.stop()


async def test_it_may_be_abandoned_before_its_first_query_is_sent(
    odd_name_server: OddNameServer,
) -> None:
    """At the very end, by the reactor, while a thread is about to send: nothing stays open."""
    asking = Asking(WAYS[1], odd_name_server.port)
    ready = asking.sockets.open(asking.group.members[0])
    asking.pending.abandon()
    asking.sockets.close()
    await asking.start(ready)
    await deferLater(REACTOR, 0.02)
    assert asking.replies == [None]
    assert not asking.sockets._open
    assert not odd_name_server.queries
    await asking.stop()


class Sent:
    """What a query socket is to its question."""

    def __init__(self, to: Upstream) -> None:
        self.upstream, self.id, self.noise = to, b"\x12\x34", 0
        self.messages: list[bytes] = []
        self.open = True
        self.take: Any = None

    def aim(self, take: Any, _lost: Any) -> None:
        """Keep what takes replies."""
        self.take = take

    def send(self, message: bytes) -> None:
        """Keep what is sent."""
        self.messages.append(message)

    def stop(self) -> None:
        """Close."""
        self.open = False


class Standing:
    """Query sockets without sockets, by a clock that the test moves."""

    def __init__(self, upstreams: int = 1) -> None:
        self.reactor: Any = Clock()
        self.reactor.advance(1_000.0)
        self.began = self.reactor.seconds()
        self.group = Group.at(REACTOR, [upstream(53 + number) for number in range(upstreams)])
        for member in self.group.members:
            member.health.answered(0.01, self.began - 20.0)
            member.health.begin_trial(self.began)
        self.sent: list[Sent] = []
        self.ended: list[tuple[float, UpstreamReply | None]] = []
        sockets: Any = self
        self.pending: PendingQuestion[None] = PendingQuestion(
            sockets, self.group, question("a.example"), self._ended
        )

    def open(self, to: Upstream) -> Sent:
        """Open one."""
        self.sent.append(Sent(to))
        return self.sent[-1]

    def move(self, seconds: float) -> None:
        """Let time go by, in which the question is looked after as ever."""
        for _ in range(round(seconds * 100)):
            self.reactor.advance(0.01)
            if not self.ended:
                self.pending.look(self.reactor.seconds())

    @staticmethod
    def deny(sent: Sent) -> None:
        """Let NXDOMAIN come for what was sent."""
        query = sent.messages[0]
        assert sent.take(query[:2] + b"\x81\x83" + query[4:])
        sent.stop()

    def _ended(self, _: object, reply: UpstreamReply | None) -> None:
        self.ended.append((round(self.reactor.seconds() - self.began, 2), reply))


def start(standing: Standing, way: str) -> None:
    """Ask in one way or the other."""
    if way == WAYS[0]:
        standing.pending.begin()
    else:
        ready: Any = standing.open(standing.group.members[0])
        standing.pending.send_first(ready)


@pytest.mark.parametrize("way", WAYS)
def test_it_is_asked_again_at_the_same_moments_and_ends_with_the_budget(way: str) -> None:
    """After 0.2, 0.6, 1.4 and 3 seconds, as an exchange from the start has it."""
    standing = Standing()
    start(standing, way)
    times = []
    for hundredth in range(400):
        if len(standing.sent) > len(times):
            times.append(hundredth / 100)
        standing.move(0.01)
    assert times == pytest.approx([0.0, 0.2, 0.6, 1.4, 3.0], abs=0.06)
    assert standing.ended == [(pytest.approx(BUDGET_S, abs=0.02), None)]
    assert not any(each.open for each in standing.sent)


@pytest.mark.parametrize("way", WAYS)
def test_while_it_waits_for_the_first_it_asks_the_second_and_takes_whichever_is_first(
    way: str,
) -> None:
    """Not before the first one's patience has ended; and a late reply of its is as good."""
    standing = Standing(upstreams=2)
    start(standing, way)
    standing.move(0.18)
    assert len(standing.sent) == 1
    standing.move(0.04)
    first, second = standing.sent
    assert [each.upstream for each in standing.sent] == list(standing.group.members)
    standing.deny(first)
    standing.move(0.01)
    ((when, reply),) = standing.ended
    assert reply is not None
    assert (when, second.open) == (pytest.approx(0.23, abs=0.02), False)


@pytest.mark.parametrize("way", WAYS)
def test_what_an_alias_leads_to_is_asked_within_the_budget_of_the_whole(way: str) -> None:
    """It takes no longer than a question without an alias."""
    standing = Standing()
    start(standing, way)
    standing.move(0.1)
    so_far = UpstreamReply(0, 0, NOERROR, False, False, None, b"", (), ())
    ended, standing.pending._ended = standing.pending._ended, lambda *_: None
    standing.deny(standing.sent[0])
    standing.pending._ended = ended
    standing.pending.follow(name_of("b.example"), standing.group, so_far)
    standing.move(0.02)
    assert standing.sent[1].messages[0][12:].lower().startswith(b"\1b\7example\0")
    standing.move(4.0)
    assert standing.ended == [(pytest.approx(BUDGET_S, abs=0.02), None)]
    assert not any(each.open for each in standing.sent)
