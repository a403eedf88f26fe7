"""Loops and silence of upstreams, found by asking them."""

from collections.abc import AsyncIterator, Callable

import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import deferLater

from smartdns.upstream.watcher import UpstreamWatcher
from tests.peers.dnsmasq import Dnsmasq
from tests.peers.name_server import NameServer
from tests.peers.ports import free_port
from tests.smartdns.resolver.laboratory import REACTOR, Laboratory
from tests.smartdns.upstream.asking import forwarder

Watch = Callable[..., UpstreamWatcher]


@pytest_twisted.async_yield_fixture
async def watch() -> AsyncIterator[Watch]:
    """Watch upstreams as a resolver does that has 16 zeros for a secret."""
    watching: list[UpstreamWatcher] = []

    def start(*ports: int, secret: bytes = bytes(16)) -> UpstreamWatcher:
        watching.append(UpstreamWatcher(REACTOR, forwarder(*ports).upstreams, secret))
        watching[-1].startService()
        return watching[-1]

    yield start
    for watcher in watching:
        watcher.stopService()


async def first_round(watcher: UpstreamWatcher) -> None:
    """Wait until every upstream was asked."""
    while not watcher.ready:
        await deferLater(reactor, 0.01)


async def test_our_own_address_as_upstream_is_a_loop(watch: Watch, name_server: NameServer) -> None:
    """A resolver that is told to ask itself says so, and which setting to change."""
    resolver = Laboratory(name_server.port)
    watcher = watch(resolver.port)
    await first_round(watcher)
    assert watcher.failed() == (
        f"upstream 127.0.0.1:{resolver.port} forwards to us, a loop: "
        "name another resolver in MEDIASTREAMER_UPSTREAMS"
    )
    await resolver.stop()


async def test_a_router_that_forwards_to_us_is_a_loop(
    watch: Watch, name_server: NameServer, tmp_path: object
) -> None:
    """A real dnsmasq, told to ask us, is recognised though it asks from its own address."""
    resolver = Laboratory(name_server.port)
    router = Dnsmasq(resolver.port)
    router.start()
    watcher = watch(router.port, name_server.port)
    await first_round(watcher)
    assert watcher.trouble()[0].startswith(f"upstream 127.0.0.1:{router.port} forwards to us")
    assert len(watcher.trouble()) == 1
    assert watcher.failed() is None
    router.kill()
    await resolver.stop()


async def test_another_resolver_of_the_same_make_is_no_loop(
    watch: Watch, name_server: NameServer
) -> None:
    """Only who has our secret is us."""
    resolver = Laboratory(name_server.port)
    watcher = watch(resolver.port, secret=b"another secret!!")
    await first_round(watcher)
    assert watcher.trouble() == []
    await resolver.stop()


async def test_a_silent_upstream_is_named(watch: Watch, name_server: NameServer) -> None:
    """An upstream that does not answer is trouble, not the end."""
    port = free_port()
    watcher = watch(port, name_server.port)
    await first_round(watcher)
    assert watcher.trouble() == [f"upstream 127.0.0.1:{port} does not answer"]
    assert watcher.failed() is None
