"""Mistakes of ours about one question: who waits for it hears so, and no other one is disturbed."""

from typing import Any

import pytest
from twisted.internet import reactor

from smartdns.answering.plan import Forward
from smartdns.upstream.forwarder import Forwarder
from tests.peers.odd_name_server import OddNameServer, answering
from tests.smartdns.upstream.asking import question, said, upstream, wire_name
from tests.smartdns.upstream.peer import HandTurned, Peer


class Tripping(dict[Any, Any]):
    """Suffixes with which we make a mistake."""

    def __contains__(self, _: object) -> bool:
        raise KeyError


@pytest.mark.parametrize("stage", ["conclude", "follow"])
async def test_a_mistake_of_ours_leaves_nobody_waiting(
    odd_name_server: OddNameServer, stage: str
) -> None:
    """Where a reply cannot be concluded from, or its alias not be followed: all hear of that."""

    def conclude(_plan: object, _reply: object) -> None:
        raise KeyError

    data = "CNAME b.example." if stage == "follow" else "A 198.51.100.1"
    odd_name_server.react = lambda query, _: answering(query, f"{query.question[0].name} 60 {data}")
    suffixes = {wire_name("lan"): [upstream(odd_name_server.port)]}
    resolving: Forwarder[Any] = Forwarder(
        reactor,  # type: ignore[arg-type]
        [upstream(odd_name_server.port)],
        conclude if stage == "conclude" else said,
        suffixes,
    )
    asking = [resolving.forward(question("a.example")) for _ in range(2)]
    if stage == "follow":
        resolving._suffixes = Tripping(resolving._suffixes)
    for each in asking:
        with pytest.raises(KeyError):
            await each
    assert resolving.in_flight == resolving.waiting == 0


def test_a_mistake_about_one_late_question_is_none_about_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They get what stands in; and the one is asked on till its time is over."""

    def stand_in(plan: Forward) -> Any:
        if plan == question("a.example"):
            raise KeyError
        return "old"

    turned, peer = HandTurned(), Peer()
    failures, a, b = list[object](), list[object](), list[object]()
    resolving: Forwarder[Any] = Forwarder(
        turned,  # type: ignore[arg-type]
        [upstream(peer.port)],
        said,
        stand_in=stand_in,
        ready_sockets=2,
    )
    monkeypatch.setattr(resolving._log, "failure", failures.append)
    resolving._fill()
    assert resolving.ask(question("a.example"), a.append)
    assert resolving.ask(question("b.example"), b.append)
    for _ in range(80):
        turned.turn(0.05)
    assert set(failures) == {"a late question could not be looked after"}
    assert (a, b) == ([None], ["old"])
    assert len(peer.queries()) == 2 * 4
    assert resolving.in_flight == resolving.waiting == 0
    resolving.stopService()
    peer.socket.close()
