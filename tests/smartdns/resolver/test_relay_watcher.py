"""Relays, checked by connecting to them."""

import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.internet.task import Clock, deferLater

from smartdns.answering.knowledge import RelayAddresses
from smartdns.resolver import relay_watcher
from smartdns.resolver.relay_watcher import STARTS_WITHIN_S, RelayWatcher
from tests.peers.ports import free_port
from tests.smartdns.resolver.laboratory import REACTOR

HERE, THERE = ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("127.0.0.9")


@pytest.fixture
def port_here() -> Iterator[int]:
    """A port at which 127.0.0.1 takes connections and 127.0.0.9 does not."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        yield port


async def test_a_relay_without_its_port_leaves_the_answers(
    port_here: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two relays the one that takes connections stays."""
    monkeypatch.setattr(relay_watcher, "CHECK_EVERY_S", 0.02)
    answered: list[dict[str, RelayAddresses]] = []
    watcher = RelayWatcher(REACTOR, {"us": (HERE, THERE)}, port_here, answered.append)
    watcher.startService()
    while not answered:
        await deferLater(reactor, 0.01)
    watcher.stopService()
    await gatherResults(watcher._checking)
    assert answered == [{"us": RelayAddresses((HERE.packed,), ())}]
    assert watcher.trouble() == [], "it may be starting, as everything was with the resolver"
    monkeypatch.setattr(relay_watcher, "STARTS_WITHIN_S", 0.0)
    assert watcher.trouble() == [f"relay 127.0.0.9 takes no connection at port {port_here}"]


def test_nothing_is_said_of_a_relay_that_has_just_begun_to_take_connections() -> None:
    """It refused the first checks of a start, and is up only after several that it took."""
    clock: Any = Clock()
    watcher = RelayWatcher(clock, {"us": (HERE,)}, 1, lambda _: None)
    health = watcher._health[HERE]
    said: list[str] = []

    def check(*, accepts: bool) -> None:
        clock.advance(1)
        watcher._conclude([accepts])

    while health.up:
        check(accepts=False)
    while not health.up:
        said += watcher.trouble()
        check(accepts=True)
    assert said == []
    assert clock.seconds() < STARTS_WITHIN_S
    while health.up:
        check(accepts=False)
    assert watcher.trouble(), "now it is known to have been there"


async def test_a_relay_that_was_there_and_went_is_told_of_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It does not start any more."""
    monkeypatch.setattr(relay_watcher, "CHECK_EVERY_S", 0.02)
    changed: list[object] = []
    with socket.create_server((str(HERE), 0)) as listening:
        port = listening.getsockname()[1]
        watcher = RelayWatcher(REACTOR, {"us": (HERE,)}, port, changed.append)
        watcher.startService()
        while HERE not in watcher._seen:
            await deferLater(reactor, 0.01)
    while not watcher.trouble():
        await deferLater(reactor, 0.01)
    watcher.stopService()
    assert watcher.trouble() == [f"relay {HERE} takes no connection at port {port}"]


async def test_without_a_port_nothing_is_checked() -> None:
    """Port 0 takes all relays for good."""
    watcher = RelayWatcher(REACTOR, {"us": (THERE,)}, 0, lambda _: pytest.fail("changed"))
    watcher.startService()
    await deferLater(reactor, 0.05)
    watcher.stopService()
    assert watcher.trouble() == []
