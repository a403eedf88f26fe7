"""Loops and silence of upstreams, found by asking them."""

import datetime
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import dns.message
import dns.rdatatype
import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from smartdns.answering.names import ROOT
from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.upstream.forwarder import Forwarder
from smartdns.upstream.watcher import UpstreamWatcher
from tests.peers.certificates import self_signed
from tests.peers.descriptors import descriptors_stay
from tests.peers.dnsmasq import Dnsmasq
from tests.peers.name_server import NameServer
from tests.peers.odd_name_server import OddNameServer, Reaction, address_of_everything
from tests.peers.ports import free_port
from tests.peers.unbound import Unbound
from tests.smartdns.resolver.laboratory import REACTOR, Laboratory
from tests.smartdns.upstream.asking import forwarder, question, said, upstream, wire_name

Resolving = Forwarder[UpstreamReply | None]
Watch = Callable[..., UpstreamWatcher]


@pytest_twisted.async_yield_fixture
async def watch() -> AsyncIterator[Watch]:
    """Watch the upstreams of a forwarder as a resolver does that has 16 zeros for a secret."""
    watching: list[UpstreamWatcher] = []

    def start(resolving: Resolving, secret: bytes | None = bytes(16)) -> UpstreamWatcher:
        apexes = (ROOT, *resolving.suffixes)
        groups = {apex: resolving.group_for(apex) for apex in apexes}
        watching.append(UpstreamWatcher(REACTOR, groups, secret))
        watching[-1].startService()
        return watching[-1]

    yield start
    for watcher in watching:
        watcher.stopService()


async def first_round(watcher: UpstreamWatcher) -> None:
    """Wait until every upstream was asked."""
    await until(lambda: watcher.ready)


async def until(holds: Callable[[], bool]) -> None:
    """Wait; the test's own limit ends it."""
    while not holds():
        await deferLater(reactor, 0.01)


def silence(_query: dns.message.Message, _transport: str) -> None:
    """React to nothing."""


async def test_our_own_address_as_upstream_is_a_loop(watch: Watch, name_server: NameServer) -> None:
    """A resolver that is told to ask itself says so, and which setting to change."""
    resolver = Laboratory(name_server.port)
    watcher = watch(forwarder(resolver.port))
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
    watcher = watch(forwarder(router.port, name_server.port))
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
    watcher = watch(forwarder(resolver.port), secret=b"another secret!!")
    await first_round(watcher)
    assert watcher.trouble() == []
    await resolver.stop()


async def test_a_silent_upstream_is_named(watch: Watch, name_server: NameServer) -> None:
    """An upstream that does not answer is trouble, not the end."""
    port = free_port()
    watcher = watch(forwarder(port, name_server.port))
    await first_round(watcher)
    assert watcher.trouble() == [f"upstream 127.0.0.1:{port} does not answer"]
    assert watcher.failed() is None


async def test_an_upstream_that_went_away_is_named_until_it_is_back(
    watch: Watch, odd_name_server: OddNameServer
) -> None:
    """One question that it leaves unanswered leads to a probe; no question is needed afterwards."""
    resolving = forwarder(odd_name_server.port)
    (member,) = resolving.upstreams
    watcher = watch(resolving)
    await first_round(watcher)
    assert watcher.trouble() == []
    odd_name_server.react = silence
    assert await resolving.forward(question("a.example")) is None
    await until(lambda: member.health.dead(REACTOR.seconds()))
    assert watcher.trouble() == [f"upstream 127.0.0.1:{odd_name_server.port} does not answer"]
    odd_name_server.react = address_of_everything
    await until(lambda: watcher.trouble() == [])
    assert not member.health.dead(REACTOR.seconds())


async def test_names_that_time_out_are_no_trouble(
    watch: Watch, odd_name_server: OddNameServer
) -> None:
    """An upstream that leaves some names unanswered, but no probe, is in good health."""

    def silent_for_some(query: dns.message.Message, transport: str) -> Reaction:
        if "silent" in str(query.question[0].name).lower():
            return None
        return address_of_everything(query, transport)

    odd_name_server.react = silent_for_some
    resolving = forwarder(odd_name_server.port)
    (member,) = resolving.upstreams
    watcher = watch(resolving)
    asking = [resolving.forward(question(f"n{number}.silent.example")) for number in range(20)]
    while not all(each.called for each in asking):
        assert not member.health.doubted
        await deferLater(reactor, 0.05)
    probes = [q for _, q in odd_name_server.queries if q.question[0].rdtype == dns.rdatatype.SOA]
    assert len(probes) > 1  # one at the start, and those that the silence led to
    assert watcher.trouble() == []


@pytest.mark.processes
async def test_one_over_tls_that_froze_is_found_again_by_another_connection(
    watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connections stay open and carry nothing; each probe that is lost ends one."""
    pair = self_signed("dns.example.com", tmp_path, datetime.timedelta(days=1))
    monkeypatch.setenv("SSL_CERT_FILE", str(pair.certificate))
    unbound = Unbound(free_port(), 'local-zone: "." refuse')
    where = upstream(unbound.over_tls(pair), "dns.example.com")
    resolving: Resolving = Forwarder(REACTOR, [where], said)
    (member,) = resolving.upstreams
    try:
        await deferToThread(unbound.start)
        watcher = watch(resolving)
        await first_round(watcher)
        assert watcher.trouble() == []
        os.kill(unbound.pid, signal.SIGSTOP)
        resolving.forward(question("a.example"))
        await until(lambda: member.health.dead(REACTOR.seconds()))
        os.kill(unbound.pid, signal.SIGCONT)
        await until(lambda: watcher.trouble() == [])
    finally:
        unbound.kill()
    watcher.stopService()
    await resolving.stopService()


async def test_upstreams_of_a_suffix_are_asked_about_it(
    watch: Watch, odd_name_server: OddNameServer, name_server: NameServer
) -> None:
    """A home's router need not know about the root. Without a secret no loop is looked for."""
    router, general = [upstream(odd_name_server.port)], [upstream(name_server.port)]
    resolving = Forwarder(REACTOR, general, said, {wire_name("lan"): router})
    await first_round(watch(resolving, secret=None))
    ((_, query),) = odd_name_server.queries
    assert query.question[0].to_text().lower() == "lan. in soa"


async def test_a_watcher_that_has_stopped_leaves_no_descriptor(
    odd_name_server: OddNameServer,
) -> None:
    """Neither a probe's sockets, which still wait for a reply, nor what reads them."""
    odd_name_server.react = lambda *_: None
    resolving = forwarder(odd_name_server.port)  # has an epoll of its own, to the end of the test
    with descriptors_stay():
        watcher = UpstreamWatcher(REACTOR, {ROOT: resolving.group_for(ROOT)}, bytes(16))
        watcher.startService()
        await until(lambda: len(odd_name_server.queries) == 2)
        watcher.stopService()
