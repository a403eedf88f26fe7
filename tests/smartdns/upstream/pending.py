"""A question under way without a forwarder, for tests of what becomes of it."""

from twisted.internet.task import LoopingCall, deferLater
from twisted.internet.threads import deferToThread

from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.upstream.group import Group
from smartdns.upstream.question import PendingQuestion
from smartdns.upstream.sockets import QuerySocket, QuerySockets
from tests.peers.odd_name_server import OddNameServer, React, address_of_everything
from tests.smartdns.upstream.asking import question, upstream
from tests.smartdns.upstream.peer import REACTOR, until

NAME = "abcdefghijklmnopqrstuvwxyz.example"
ADDRESS = bytes([198, 51, 100, 77])
WAYS = ["begun by the reactor", "first sent by a thread"]


class Asking:
    """One question to upstreams on loopback, of which the first is asked first."""

    def __init__(self, way: str, *ports: int, budget_s: float | None = None) -> None:
        self.sockets = QuerySockets(REACTOR)
        self.group = Group.at(REACTOR, [upstream(port) for port in ports])
        before = REACTOR.seconds() - 20.0
        for member in self.group.members:  # so that none is on trial
            member.health.answered(0.01, before)
            member.health.begin_trial(before)
        self.replies: list[UpstreamReply | None] = []
        self.pending: PendingQuestion[None] = PendingQuestion(
            self.sockets, self.group, question(NAME), self._ended, budget_s
        )
        self._way = way
        self._looking = LoopingCall(lambda: self.pending.look(REACTOR.seconds()))
        self._looking.clock = REACTOR

    def _ended(self, _: object, reply: UpstreamReply | None) -> None:
        self.replies.append(reply)

    async def start(self, ready: QuerySocket | None = None) -> None:
        """Ask, in one way or the other; `ready` is what a thread sends from."""
        self._looking.start(0.05, now=False)
        if self._way == WAYS[0]:
            self.pending.begin()
            return
        ready = ready or self.sockets.open(self.group.members[0])
        assert ready is not None
        await deferToThread(self.pending.send_first, ready)

    async def outcome(self) -> UpstreamReply | None:
        """Wait for what comes of it: one thing, and nothing is left of the question."""
        await until(lambda: bool(self.replies))
        await deferLater(REACTOR, 0.02)
        assert not self.sockets._open
        (reply,) = self.replies
        return reply

    async def stop(self) -> None:
        """Close everything."""
        if self._looking.running:
            self._looking.stop()
        self.pending.abandon()
        self.sockets.close()
        await self.group.close()


def shown(reply: UpstreamReply | None) -> tuple[int, list[bytes]] | None:
    """Give what matters of a reply."""
    return None if reply is None else (reply.rcode, [record.data for record in reply.answer])


def after_one_silence(server: OddNameServer) -> React:
    """Leave the first query unanswered."""
    return lambda query, transport: (
        None if len(server.queries) == 1 else address_of_everything(query, transport)
    )
