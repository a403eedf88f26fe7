"""What a worker says of itself, composed on a real Redis and a real name server."""

import socket

import dns.rcode
import pytest
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import deferLater

from smartdns.contract.addresses import parse_socket_address
from smartdns.contract.grants import Profile
from smartdns.process.sockets import bind
from tests.peers.name_server import NameServer
from tests.peers.ports import free_port
from tests.peers.redis_server import RedisServer
from tests.peers.waiting import undisturbed_s
from tests.smartdns.running import Start, publish, start_ready


async def test_before_the_allowlist_is_there_everybody_is_told_to_wait(
    name_server: NameServer, start: Start
) -> None:
    """Without Redis: REFUSED with EDE 14, and not ready."""
    resolver = start(f"redis://127.0.0.1:{free_port()}/0", name_server.port)
    reply = await resolver.ask("www.netflix.com")
    assert reply.rcode() == dns.rcode.REFUSED
    assert [int(option.code) for option in reply.options] == [14]  # type: ignore[attr-defined]
    report = resolver.service.report()
    assert (report["prepared"], report["loaded"], report["epoch"]) == (False, False, None)


async def test_who_stands_by_knows_the_allowlist_and_answers_by_it_once_it_is_open(
    own_redis_server: RedisServer, name_server: NameServer, start: Start
) -> None:
    """It goes on following, and what it knows it keeps without Redis, as every worker does."""
    with own_redis_server.client() as client:
        publish(client, 1, Profile("us"))
        standby = start(own_redis_server.url, name_server.port, opens=False)
        await standby.until(lambda report: bool(report["prepared"]))
        publish(client, 2, Profile("gb"))
        await standby.until(lambda report: report["position"] == 2)
    own_redis_server.kill()
    await standby.until(lambda report: report["allowlist"] != "followed")
    report = standby.service.report()
    assert (report["prepared"], report["ready"], report["listen"]) == (True, False, [])
    reply = ensureDeferred(standby.ask("www.netflix.com"))
    await deferLater(reactor, 0.1)
    assert not reply.called
    standby.service.open(standby.sockets)
    assert (await reply).answer[0][0].address == "127.80.0.9"
    assert standby.service.report()["ready"]


async def test_who_stands_by_ends_without_having_read_a_query(
    redis_server: RedisServer, name_server: NameServer, start: Start
) -> None:
    """It is left to whoever has the socket next."""
    standby = start(redis_server.url, name_server.port, opens=False)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"a query", ("127.0.0.1", standby.port))
    await deferLater(reactor, 0.1)
    began = undisturbed_s()
    await standby.service.stopService()
    assert undisturbed_s() - began < 1.0
    assert standby.sockets["udp"][0].recv(100) == b"a query"


async def test_a_resolver_that_asks_itself_is_not_ready_and_says_why(
    redis_server: RedisServer, start: Start
) -> None:
    """All upstreams lead back: one line, and the start fails."""
    port = free_port()
    with redis_server.client() as client:
        publish(client, 1, Profile("us"))
    where = parse_socket_address(f"127.0.0.1:{port}")
    resolver = start(redis_server.url, port, opens=False)
    itself = bind("udp", socket.SOCK_DGRAM, where)[0].socket
    resolver.sockets["udp"].append(itself)
    resolver.service.open(resolver.sockets)
    await resolver.until(lambda report: report["failed"] is not None)
    report = resolver.service.report()
    assert not report["ready"]
    assert str(report["failed"]).startswith(f"upstream 127.0.0.1:{port} forwards to us, a loop")


@pytest.mark.parametrize("fast_path", ["0"])
async def test_outcomes_are_counted_and_nothing_else(
    redis_server: RedisServer, name_server: NameServer, start: Start
) -> None:
    """Answered and refused, with no name and no address among the keys."""
    resolver = await start_ready(start, redis_server, name_server.port)
    for name in ("www.netflix.com", "www.example.com"):
        await resolver.ask(name)
    await resolver.ask("www.example.com", source="127.0.0.2")
    metrics = resolver.service.metrics()
    assert metrics["queries:answered"] == 2
    assert metrics["queries:refused"] == 1
    assert set(metrics) <= {
        *(f"queries:{outcome}" for outcome in ("answered", "refused", "failed", "silent", "odd")),
        "queries:dropped", "queries:remembered", "queries_in_flight", "streams", "ready",
        "troubles",
    }  # fmt: skip
