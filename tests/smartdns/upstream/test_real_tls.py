"""DNS over TLS to a real unbound: trust, pipelining, replies out of order, idle limits."""

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.message
import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThread

from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.upstream.forwarder import Forwarder
from tests.peers.certificates import self_signed
from tests.peers.odd_name_server import OddNameServer, address_of_everything
from tests.peers.unbound import Unbound
from tests.smartdns.allowlist.by_hand import pause
from tests.smartdns.upstream.asking import question, said, upstream

pytestmark = pytest.mark.processes

HOST = "dns.example.com"
ADDRESS = bytes([198, 51, 100, 77])
Resolving = Forwarder[UpstreamReply | None]
To = Callable[..., "Deferred[Resolving]"]


@pytest.fixture
def over_tls(
    odd_name_server: OddNameServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[To]:
    """Start an unbound in front of the odd one, and give what forwards to it over TLS."""
    started: list[Unbound] = []

    def begin(
        *options: str, name: str = HOST, validity: datetime.timedelta = datetime.timedelta(days=1)
    ) -> "Deferred[Resolving]":
        pair = self_signed(HOST, tmp_path, validity)
        monkeypatch.setenv("SSL_CERT_FILE", str(pair.certificate))
        unbound = Unbound(odd_name_server.port, *options)
        started.append(unbound)
        resolving = Forwarder(reactor, [upstream(unbound.over_tls(pair), name)], said)  # type: ignore[arg-type]
        return deferToThread(unbound.start).addCallback(lambda _: resolving)

    yield begin
    for unbound in started:
        unbound.kill()


async def test_a_hundred_questions_at_once_and_the_slow_one_holds_up_none(
    over_tls: To, odd_name_server: OddNameServer
) -> None:
    """Pipelined, answered in whatever order, each reply with whoever asked for it."""

    def slow_for_one(query: dns.message.Message, transport: str) -> dns.message.Message:
        odd_name_server.delay = 0.3 if "slow" in str(query.question[0].name) else 0.0
        return address_of_everything(query, transport)

    odd_name_server.react = slow_for_one
    resolving = await over_tls()
    names = ["slow.example", *(f"n{number}.example" for number in range(100))]
    order: list[bytes] = []

    def note(reply: UpstreamReply | None) -> UpstreamReply | None:
        assert reply is not None
        order.append(reply.answer[0].name)
        return reply

    replies = await gatherResults(
        [resolving.forward(question(name)).addCallback(note) for name in names]
    )
    for name, reply in zip(names, replies, strict=True):
        assert reply is not None
        asked = question(name).question.name
        assert (reply.answer[0].name, reply.answer[0].data) == (asked, ADDRESS)
    assert order.index(replies[0].answer[0].name) > 50
    await resolving.stopService()


@pytest.mark.parametrize(
    "wrong",
    [{"name": "other.example.com"}, {"validity": datetime.timedelta(minutes=-1)}],
    ids=["wrong name", "expired"],
)
async def test_who_cannot_show_a_good_certificate_is_asked_nothing(
    over_tls: To, odd_name_server: OddNameServer, wrong: dict[str, str]
) -> None:
    """Neither a certificate for another name nor one of yesterday."""
    resolving = await over_tls(**wrong)
    assert await resolving.forward(question("a.example")) is None
    assert odd_name_server.queries == []
    await resolving.stopService()


async def test_a_server_that_ends_idle_connections_loses_no_question(over_tls: To) -> None:
    """Whether we come before, at, or after the moment at which it closes."""
    resolving = await over_tls("tcp-idle-timeout: 200")
    for number, seconds in enumerate((0.1, 0.19, 0.195, 0.2, 0.205, 0.21, 0.3, 0.6)):
        reply = await resolving.forward(question(f"n{number}.example"))
        assert reply is not None
        assert reply.answer[0].data == ADDRESS
        await pause(seconds)
    await resolving.stopService()
