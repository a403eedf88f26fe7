"""A relay with several ways out, composed from settings: each region is a world of its own."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import dns.message
import dns.rdatatype
import pytest
import pytest_twisted
from twisted.internet import reactor

from smartdns.contract.addresses import parse_socket_address
from smartdns.contract.configuration import Configuration, SettingError
from smartdns.contract.redis_layout import GRANTS, HEAD
from smartdns.process.sockets import bind
from smartdns.roles.relay_role import relay_service
from smartdns.settings import read_settings
from tests.peers.client_hello import handshake, records, server_name
from tests.peers.odd_name_server import OddNameServer, answering
from tests.peers.ports import free_port
from tests.peers.redis_server import RedisServer
from tests.smartdns.relay.laboratory import MakeOrigin, in_thread, read_exactly, until

HELLO = records(handshake(server_name(b"www.netflix.com")))
HOUSEHOLDS = {"us": "127.0.0.1", "gb": "127.0.0.2"}
SOURCES = {"us": "127.0.0.9", "gb": "127.0.0.10"}
ORIGINS = {"us": "127.0.1.9", "gb": "127.0.1.10"}
Start = Callable[..., Awaitable["Regions"]]


def who_is_it(connection: socket.socket) -> None:
    """Tell which origin this is, and by which address somebody came."""
    read_exactly(connection, len(HELLO))
    here, there = connection.getsockname()[0], connection.getpeername()[0]
    connection.sendall(f"{here} {there}".encode())


def answers_by_source(server: OddNameServer) -> None:
    """Let `server` send each source to its own region's origin, and say the name has no AAAA."""

    def react(query: dns.message.Message, _transport: str) -> dns.message.Message:
        question = query.question[0]
        asked_by = server.peers[-1][0]
        origin = next((ORIGINS[r] for r, source in SOURCES.items() if source == asked_by), None)
        if question.rdtype != 1 or origin is None:
            return answering(query)
        return answering(query, f"{question.name} 60 A {origin}")

    server.react = react


class Regions:
    """A relay in the regions of `SOURCES`, with a household in each."""

    def __init__(self, redis_url: str, origin_port: int, **texts: str) -> None:
        where = parse_socket_address("127.0.0.1:0")
        self.listening = bind("relay-tls", socket.SOCK_STREAM, where)[0].socket
        given = {
            "redis_url": redis_url,
            "relay_exits": " ".join(f"{r}={source}" for r, source in SOURCES.items()),
            "relay_private_origins": "1",
            "relay_origin_ports": f"{origin_port},80",
            **texts,
        }
        self.service = relay_service(read_settings(Configuration(given)))
        self.service.startService()
        self.service.open({"relay-tls": [self.listening]})

    async def ask(self, region: str) -> str:
        """Say hello as the region's household; what the origin says."""

        def talk() -> str:
            where, source = self.listening.getsockname(), (HOUSEHOLDS[region], 0)
            with socket.create_connection(where, 20, source) as client:
                client.sendall(HELLO)
                return client.recv(100).decode()

        return await in_thread(talk)


@pytest_twisted.async_yield_fixture
async def start(redis_server: RedisServer) -> AsyncIterator[Start]:
    """Start relays that let in the households; they are stopped after the test."""
    made: list[Regions] = []
    with redis_server.client() as client:
        for region, address in HOUSEHOLDS.items():
            client.hset(GRANTS, f"{address}/32", f"region={region}")
        client.set(HEAD, "1 1")

    async def begin(origin_port: int, **texts: str) -> Regions:
        made.append(Regions(redis_server.url, origin_port, **texts))
        await until(lambda: bool(made[-1].service.report()["ready"]))
        return made[-1]

    yield begin
    for one in made:
        await one.service.stopService()
        one.listening.close()


@pytest.fixture
def origin_port(origin: MakeOrigin) -> int:
    """The port that the origins of all regions share."""
    first = origin(who_is_it, ORIGINS["us"])
    origin(who_is_it, ORIGINS["gb"], first.port)
    return first.port


async def test_each_region_looks_names_up_and_connects_by_its_own_way(
    odd_name_server: OddNameServer, start: Start, origin_port: int
) -> None:
    """One upstream that answers by who asks: each household meets its region's origin, always.

    What one region was answered is still valid when the other asks, and is not used.
    """
    answers_by_source(odd_name_server)
    relay = await start(origin_port, upstreams=f"127.0.0.1:{odd_name_server.port}")
    for region in ("us", "gb", "us", "gb"):
        assert await relay.ask(region) == f"{ORIGINS[region]} {SOURCES[region]}"
    asked_from = [
        host
        for (host, _), (_, query) in zip(
            odd_name_server.peers, odd_name_server.queries, strict=True
        )
        if query.question[0].rdtype != dns.rdatatype.SOA  # a probe's
    ]
    assert sorted(asked_from) == sorted([*SOURCES.values()] * 2)  # A and AAAA, once for each


async def test_a_region_may_have_upstreams_of_its_own(
    odd_name_server: OddNameServer, start: Start, origin_port: int
) -> None:
    """The setting says who is asked in a region; everybody else is asked for the others."""
    answers_by_source(odd_name_server)
    others = OddNameServer(reactor)
    answers_by_source(others)
    others.start()
    relay = await start(
        origin_port,
        upstreams=f"127.0.0.1:{others.port}",
        relay_upstreams=f"us=127.0.0.1:{odd_name_server.port}",
    )
    for region in ("us", "gb"):
        assert await relay.ask(region) == f"{ORIGINS[region]} {SOURCES[region]}"
    assert {host for host, _ in odd_name_server.peers} == {SOURCES["us"]}
    assert {host for host, _ in others.peers} == {SOURCES["gb"]}
    await others.stop()


async def test_one_egress_may_serve_regions_that_ask_differently(
    odd_name_server: OddNameServer, start: Start, origin_port: int
) -> None:
    """Two regions by the ordinary way: the one with upstreams of its own has its own answers."""
    odd_name_server.react = lambda query, _transport: (
        answering(query, f"{query.question[0].name} 60 A {ORIGINS['us']}")
        if query.question[0].rdtype == 1
        else answering(query)
    )
    relay = await start(
        origin_port,
        relay_exits="*=direct",
        relay_upstreams=f"us=127.0.0.1:{odd_name_server.port} *=127.0.0.1:{free_port()}",
    )
    assert (await relay.ask("us")).startswith(ORIGINS["us"])
    assert await relay.ask("gb") == ""


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"relay_upstreams": "zz=192.0.2.53"}, "there is no region zz; there are"),
        ({"relay_upstreams": "us=192.0.2.53"}, "us has no way out in MEDIASTREAMER_RELAY_EXITS"),
        ({"relay_upstreams": "de=192.0.2.53"}, "de leaves by SOCKS5"),
        ({"upstreams": "2001:db8::53"}, "gb needs a resolver that its way out reaches"),
    ],
)
def test_upstreams_that_a_region_cannot_have_stop_the_start(
    texts: dict[str, str], said: str
) -> None:
    """A region that could never look a name up is no surprise for later; the line says which."""
    given = {
        "upstreams": "192.0.2.53",
        "relay_exits": "gb=192.0.2.7 de=socks5://192.0.2.8:1080",
        **texts,
    }
    with pytest.raises(SettingError, match=f"MEDIASTREAMER_RELAY_UPSTREAMS: {said}"):
        relay_service(read_settings(Configuration(given)))
