"""Relays, checked by connecting to them."""

import ipaddress
import socket
from collections.abc import Iterator

import pytest
from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.internet.task import deferLater

from smartdns.answering.knowledge import RelayAddresses
from smartdns.resolver import relay_watcher
from smartdns.resolver.relay_watcher import RelayWatcher
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
