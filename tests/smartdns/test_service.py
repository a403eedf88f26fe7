"""The composed roles, on a real Redis and a real name server."""

import ipaddress
import socket
import statistics
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import dns.message
import dns.query
import dns.rcode
import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from smartdns.contract.addresses import parse_socket_address
from smartdns.contract.configuration import Configuration, SettingError
from smartdns.contract.grants import GrantChange, Head, Profile
from smartdns.contract.redis_layout import CHANGES, GRANTS, HEAD, encode_change
from smartdns.service import Role, relay_service, resolver_service
from smartdns.settings import read_settings
from smartdns.sockets import bind
from tests.peers.name_server import NameServer
from tests.peers.odd_name_server import OddNameServer, answering
from tests.peers.ports import free_port
from tests.peers.redis_server import RedisServer

Start = Callable[..., "Running"]


class Running:
    """One resolver as a worker composes it."""

    def __init__(self, redis_url: str, upstream_port: int, **texts: str) -> None:
        given = {
            "redis_url": redis_url,
            "upstreams": f"127.0.0.1:{upstream_port}",
            "relay_addresses": "us=127.80.0.8 gb=127.80.0.9",
            "relay_check_port": "0",
            "workers": "1",
            **texts,
        }
        where = parse_socket_address("127.0.0.1:0")
        self.sockets = {"udp": [bind("udp", socket.SOCK_DGRAM, where)[0].socket]}
        self.port = self.sockets["udp"][0].getsockname()[1]
        self.service: Role = resolver_service(read_settings(Configuration(given)), self.sockets)
        self.service.startService()

    async def ask(self, name: str, **options: Any) -> dns.message.Message:
        query = dns.message.make_query(name, "A", use_edns=0)
        reply = await deferToThread(
            dns.query.udp, query, "127.0.0.1", port=self.port, timeout=10, **options
        )
        assert isinstance(reply, dns.message.Message)
        return reply

    async def until(self, holds: Callable[[dict[str, object]], bool]) -> None:
        """Wait for a report."""
        while not holds(self.service.report()):
            await deferLater(reactor, 0.01)


@pytest.fixture(params=["1", "0"], ids=["fast", "plain"])
def fast_path(request: pytest.FixtureRequest) -> str:
    """How resolvers answer datagrams: either way they pass the same tests."""
    return str(request.param)


@pytest_twisted.async_yield_fixture
async def start(fast_path: str) -> AsyncIterator[Start]:
    """Start resolvers; they are stopped after the test."""
    running: list[Running] = []

    def begin(*arguments: Any, **texts: str) -> Running:
        running.append(Running(*arguments, fast_path=fast_path, **texts))
        return running[-1]

    yield begin
    for each in running:
        await each.service.stopService()
        for group in each.sockets.values():
            for bound in group:
                bound.close()


def publish(client: Any, position: int, profile: Profile | None) -> None:
    """Publish one change for 127.0.0.1, as the registry does."""
    network = ipaddress.ip_network("127.0.0.1/32")
    change = GrantChange(Head(1, position), network, profile)
    with client.pipeline(transaction=True) as pipe:
        if profile is None:
            pipe.hdel(GRANTS, str(network))
        else:
            pipe.hset(GRANTS, str(network), f"region={profile.region}")
        pipe.set(HEAD, f"1 {position}")
        pipe.publish(CHANGES, encode_change(change))
        pipe.execute()


async def test_a_grant_opens_the_way_and_its_removal_closes_it(
    redis_server: RedisServer, name_server: NameServer, start: Start
) -> None:
    """Published: steered; published again: to another region; removed: refused."""
    with redis_server.client() as client:
        publish(client, 1, Profile("us"))
        resolver = start(redis_server.url, name_server.port)
        await resolver.until(lambda report: bool(report["ready"]))
        assert (await resolver.ask("www.netflix.com")).answer[0][0].address == "127.80.0.8"
        assert (await resolver.ask("www.example.com")).answer[0][0].address == "198.51.100.1"
        publish(client, 2, Profile("gb"))
        await resolver.until(lambda report: report["position"] == 2)
        assert (await resolver.ask("www.netflix.com")).answer[0][0].address == "127.80.0.9"
        publish(client, 3, None)
        await resolver.until(lambda report: report["position"] == 3)
        for name in ("www.netflix.com", "www.example.com"):
            assert (await resolver.ask(name)).rcode() == dns.rcode.REFUSED


async def test_a_published_change_shows_within_a_tenth_of_a_second(
    redis_server: RedisServer, name_server: NameServer, start: Start
) -> None:
    """From before the registry's MULTI to the first reply by it, in the middle of 21 changes."""
    steered = {"us": "127.80.0.8", "gb": "127.80.0.9", None: None}
    with redis_server.client() as client:
        publish(client, 1, Profile("us"))
        resolver = start(redis_server.url, name_server.port)
        await resolver.until(lambda report: bool(report["ready"]))
        taken = []
        for position, region in enumerate(["gb", None, "us"] * 7, start=2):
            began = time.monotonic()
            publish(client, position, Profile(region) if region else None)
            shown: object = "nothing yet"
            while shown != steered[region]:
                reply = await resolver.ask("www.netflix.com")
                shown = reply.answer[0][0].address if reply.answer else None
            taken.append(time.monotonic() - began)
    assert statistics.median(taken) < 0.1


async def test_before_the_allowlist_is_there_everybody_is_told_to_wait(
    name_server: NameServer, start: Start
) -> None:
    """Without Redis: REFUSED with EDE 14, and not ready."""
    resolver = start(f"redis://127.0.0.1:{free_port()}/0", name_server.port)
    reply = await resolver.ask("www.netflix.com")
    assert reply.rcode() == dns.rcode.REFUSED
    assert [int(option.code) for option in reply.options] == [14]  # type: ignore[attr-defined]
    report = resolver.service.report()
    assert (report["ready"], report["loaded"], report["epoch"]) == (False, False, None)


async def test_a_resolver_that_asks_itself_is_not_ready_and_says_why(
    redis_server: RedisServer, start: Start
) -> None:
    """All upstreams lead back: one line, and the start fails."""
    port = free_port()
    with redis_server.client() as client:
        publish(client, 1, Profile("us"))
    where = parse_socket_address(f"127.0.0.1:{port}")
    resolver = start(redis_server.url, port)
    itself = bind("udp", socket.SOCK_DGRAM, where)[0].socket
    resolver.sockets["udp"].append(itself)
    listeners = resolver.service.services[-1]
    await listeners.stopService()
    listeners.startService()
    await resolver.until(lambda report: report["failed"] is not None)
    report = resolver.service.report()
    assert not report["ready"]
    assert str(report["failed"]).startswith(f"upstream 127.0.0.1:{port} forwards to us, a loop")


async def test_open_names_are_answered_to_strangers(
    redis_server: RedisServer, name_server: NameServer, start: Start
) -> None:
    """The switch that lets a home whose address changed reach the page; nothing else."""
    with redis_server.client() as client:
        publish(client, 1, Profile("us"))
    resolver = start(
        redis_server.url,
        name_server.port,
        open_names="1",
        public_url="https://www.example.com/",
    )
    await resolver.until(lambda report: bool(report["ready"]))
    page = await resolver.ask("www.example.com", source="127.0.0.2")
    assert page.answer[0][0].address == "198.51.100.1"
    assert (
        await resolver.ask("captive.apple.com", source="127.0.0.2")
    ).rcode() == dns.rcode.NXDOMAIN
    for name in ("mail.example.com", "www.netflix.com"):
        assert (await resolver.ask(name, source="127.0.0.2")).rcode() == dns.rcode.REFUSED


async def test_private_answers_are_let_through_below_what_the_operator_named(
    redis_server: RedisServer, name_server: NameServer, start: Start
) -> None:
    """DNS rebinding is stopped, but for the suffixes on the list."""
    with redis_server.client() as client:
        publish(client, 1, Profile("us"))
    strict = start(redis_server.url, name_server.port)
    lenient = start(redis_server.url, name_server.port, private_answer_suffixes="example.com")
    for resolver in (strict, lenient):
        await resolver.until(lambda report: bool(report["ready"]))
    assert not (await strict.ask("home.example.com")).answer
    assert (await lenient.ask("home.example.com")).answer[0][0].address == "192.168.1.5"


async def test_the_relay_is_composed_and_reports(
    redis_server: RedisServer, name_server: NameServer, nothing_left_behind: None
) -> None:
    """Accepts once the allowlist was read, and closes a stranger unread."""
    with redis_server.client() as client:
        publish(client, 1, Profile("us"))
    where = parse_socket_address("127.0.0.1:0")
    listening = bind("relay-tls", socket.SOCK_STREAM, where, listen=False)[0].socket
    given = {"redis_url": redis_server.url, "upstreams": f"127.0.0.1:{name_server.port}"}
    service = relay_service(read_settings(Configuration(given)), {"relay-tls": [listening]})
    service.startService()
    while not service.report()["ready"]:
        await deferLater(reactor, 0.01)
    assert service.report()["position"] == 1

    def knock() -> bytes:
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), 10, ("127.0.0.2", 0)) as client:
            try:
                return client.recv(10)
            except ConnectionResetError:
                return b""

    assert await deferToThread(knock) == b""
    await service.stopService()
    listening.close()


def test_a_broken_certificate_stops_the_start(tmp_path: Any) -> None:
    """A setting that is wrong is said before anything listens."""
    from smartdns.contract.configuration import SettingError

    pem = tmp_path / "dns.pem"
    pem.write_text("nonsense")
    given = {"dns_certificate": str(pem), "dns_key": str(pem), "upstreams": "192.0.2.1"}
    with pytest.raises(SettingError, match="MEDIASTREAMER_DNS_CERTIFICATE"):
        resolver_service(read_settings(Configuration(given)), {})


@pytest.mark.parametrize("fast_path", ["0"])
async def test_outcomes_are_counted_and_nothing_else(
    redis_server: RedisServer, name_server: NameServer, start: Start
) -> None:
    """Answered and refused, with no name and no address among the keys."""
    with redis_server.client() as client:
        publish(client, 1, Profile("us"))
    resolver = start(redis_server.url, name_server.port)
    await resolver.until(lambda report: bool(report["ready"]))
    for name in ("www.netflix.com", "www.example.com"):
        await resolver.ask(name)
    await resolver.ask("www.example.com", source="127.0.0.2")
    metrics = resolver.service.metrics()
    assert metrics["queries:answered"] == 2
    assert metrics["queries:refused"] == 1
    assert set(metrics) <= {
        *(f"queries:{outcome}" for outcome in ("answered", "refused", "failed", "silent", "odd")),
        "queries:remembered", "queries_in_flight", "streams", "ready",
        "troubles",
    }  # fmt: skip


def test_an_exit_of_a_region_that_does_not_exist_stops_the_relays_start() -> None:
    """A misspelt region would be one that nobody reaches; the line names the setting."""
    settings = read_settings(Configuration({"relay_exits": "us=direct zz=direct"}))
    with pytest.raises(SettingError, match="RELAY_EXITS: there is no region zz; there are"):
        relay_service(settings, {})


async def test_a_homes_own_domain_is_asked_of_its_router(
    redis_server: RedisServer,
    name_server: NameServer,
    odd_name_server: OddNameServer,
    start: Start,
) -> None:
    """Conditional forwarding, and what the router says may be private."""
    odd_name_server.react = lambda query, transport: answering(
        query, f"{query.question[0].name} 60 A 192.168.1.20"
    )
    with redis_server.client() as client:
        publish(client, 1, Profile("us"))
    router = f"127.0.0.1:{odd_name_server.port}"
    resolver = start(redis_server.url, name_server.port, forward_suffixes=f"fritz.box={router}")
    await resolver.until(lambda report: bool(report["ready"]))
    assert (await resolver.ask("printer.fritz.box")).answer[0][0].address == "192.168.1.20"
    assert (await resolver.ask("printer.example.com")).rcode() == dns.rcode.NXDOMAIN
