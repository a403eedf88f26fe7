"""First queries: what cannot be sent, who may be asked no more, and one budget for all of it."""

from typing import Any

import pytest
from twisted.internet.task import deferLater

from smartdns.answering.memory.exchange import BUDGET_S
from smartdns.answering.names import ROOT, name_of
from smartdns.answering.numbers import NOERROR
from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.upstream.group import Group
from smartdns.upstream.question import PendingQuestion
from smartdns.upstream.sockets import QuerySockets
from tests.peers.odd_name_server import OddNameServer
from tests.smartdns.upstream.asking import question, upstream
from tests.smartdns.upstream.peer import REACTOR, HandTurned, Peer
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


class Standing:
    """A question to upstreams by a clock that the test moves."""

    def __init__(self, upstreams: int = 1) -> None:
        self.turned = HandTurned()
        reactor: Any = self.turned
        self.began = self.turned.seconds()
        self.peers = [Peer() for _ in range(upstreams)]
        self.group = Group.at(reactor, [upstream(each.port) for each in self.peers])
        for member in self.group.members:
            member.health.answered(0.01, self.began - 20.0)
            member.health.begin_trial(self.began)
        self.sockets = QuerySockets(reactor)
        self.sent: list[tuple[float, int, bytes]] = []
        """When, to which upstream, and the name that was asked for."""
        self.ended: list[tuple[float, UpstreamReply | None]] = []
        self.follows = ROOT
        """What the first answer leads to, if anything."""
        self.pending: PendingQuestion[None] = PendingQuestion(
            self.sockets, self.group, question("a.example"), self._ended
        )

    def move(self, seconds: float) -> None:
        """Let time go by, in which the question is looked after as ever."""
        for _ in range(round(seconds * 100)):
            self.turned.turn(0.01)
            if not self.ended:
                self.pending.look(self.turned.seconds())
            self._note_what_came()

    def start(self, way: str) -> None:
        """Ask in one way or the other."""
        if way == WAYS[0]:
            self.pending.begin()
        else:
            ready = self.sockets.open(self.group.members[0])
            assert ready is not None
            self.pending.send_first(ready)
        self._note_what_came()

    def deny(self) -> None:
        """Let NXDOMAIN come for what was sent first."""
        query, where = self._first
        self.peers[0].socket.sendto(query[:2] + b"\x81\x83" + query[4:], where)
        self.turned.turn()

    def close(self) -> None:
        """Close the sockets, of which none was left open."""
        assert not self.sockets._open
        self.sockets.close()
        for each in self.peers:
            each.socket.close()

    def _note_what_came(self) -> None:
        for number, peer in enumerate(self.peers):
            for query, where in peer.queries():
                if not self.sent:
                    self._first = query, where
                self.sent.append((self._elapsed(), number, query[12:].lower()))

    def _elapsed(self) -> float:
        return round(self.turned.seconds() - self.began, 2)

    def _ended(self, pending: PendingQuestion[None], reply: UpstreamReply | None) -> None:
        follows, self.follows = self.follows, ROOT
        if follows != ROOT and reply is not None:
            pending.follow(follows, self.group, reply)
        else:
            self.ended.append((self._elapsed(), reply))


@pytest.mark.parametrize("way", WAYS)
def test_it_is_asked_again_at_the_same_moments_and_ends_with_the_budget(way: str) -> None:
    """After 0.2, 0.6, 1.4 and 3 seconds, as an exchange from the start has it."""
    standing = Standing()
    standing.start(way)
    standing.move(4.0)
    times = [when for when, _, _ in standing.sent]
    assert times == pytest.approx([0.0, 0.2, 0.6, 1.4, 3.0], abs=0.06)
    assert standing.ended == [(pytest.approx(BUDGET_S, abs=0.02), None)]
    standing.close()


@pytest.mark.parametrize("way", WAYS)
def test_while_it_waits_for_the_first_it_asks_the_second_and_takes_whichever_is_first(
    way: str,
) -> None:
    """Not before the first one's patience has ended; and a late reply of its is as good."""
    standing = Standing(upstreams=2)
    standing.start(way)
    standing.move(0.18)
    assert [number for _, number, _ in standing.sent] == [0]
    standing.move(0.05)
    assert [number for _, number, _ in standing.sent] == [0, 1]
    standing.deny()
    standing.move(0.01)
    ((when, reply),) = standing.ended
    assert reply is not None
    assert when == pytest.approx(0.24, abs=0.02)
    standing.close()


@pytest.mark.parametrize("way", WAYS)
def test_what_an_alias_leads_to_is_asked_within_the_budget_of_the_whole(way: str) -> None:
    """It takes no longer than a question without an alias."""
    standing = Standing()
    standing.follows = name_of("b.example")
    standing.start(way)
    standing.move(0.1)
    standing.deny()
    standing.move(0.02)
    assert [name.startswith(b"\1b\7example\0") for _, _, name in standing.sent] == [False, True]
    standing.move(4.0)
    assert standing.ended == [(pytest.approx(BUDGET_S, abs=0.02), None)]
    standing.close()
