"""A household meets one of two workers: whichever port it asks from, and over UDP as over TCP."""

import ipaddress
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import pytest

from smartdns.contract.addresses import SocketAddress
from smartdns.contract.grants import Head
from smartdns.contract.redis_layout import GRANTS, HEAD, encode_head
from smartdns.process.sockets import NamedSocket, bind
from tests.peers.name_server import NameServer
from tests.peers.ports import free_port
from tests.peers.redis_server import RedisServer
from tests.peers.role_process import RoleProcess
from tests.peers.waiting import wait_until

HOUSEHOLDS = [f"127.0.{network}.7" for network in range(1, 9)]
"""Either worker has some of them."""
PORTS = 12
"""If any worker could get a query, all of so many would meet the one that knows by 1 in 4096."""
NAME = "mail.example.com"


def let_in(redis: RedisServer) -> None:
    """Publish `HOUSEHOLDS`, as a registry does."""
    with redis.client() as client:
        client.hset(GRANTS, mapping={f"{each}/32": "-" for each in HOUSEHOLDS})
        client.set(HEAD, encode_head(Head(1, 1)))


def settings(redis: RedisServer, upstream: NameServer) -> Mapping[str, str]:
    """Give what resolver and relay have in common."""
    asked = f"127.0.0.1:{upstream.port}"
    return {"redis_url": redis.url, "upstreams": asked, "relay_check_port": "0", "workers": "2"}


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[NameServer]:
    """A real one that counts, to be killed."""
    (tmp_path / "named").mkdir()
    server = NameServer(tmp_path / "named", notes_queries=True)
    server.start()
    yield server
    server.kill()


class Resolver(RoleProcess):
    """One that knows `HOUSEHOLDS`."""

    def __init__(self, folder: Path, redis: RedisServer, upstream: NameServer) -> None:
        let_in(redis)
        self.port = free_port()
        where = f"127.0.0.1:{self.port}"
        super().__init__("resolver", folder, dns_listen=where, **settings(redis, upstream))

    def ask(self, name: str, source: str, *, tcp: bool = False) -> dns.message.Message:
        """Ask from a port that was not used before."""
        query = dns.message.make_query(name, "A", use_edns=0)
        ask = dns.query.tcp if tcp else dns.query.udp
        return ask(query, "127.0.0.1", 15, self.port, source)

    def ask_in_every_way(self, source: str) -> None:
        """From many ports, and over TCP."""
        for _ in range(PORTS):
            assert self.ask(NAME, source).answer
        assert self.ask(NAME, source, tcp=True).answer


@pytest.fixture
def resolver(tmp_path: Path, redis_server: RedisServer, upstream: NameServer) -> Iterator[Resolver]:
    """Not started yet."""
    made = Resolver(tmp_path, redis_server, upstream)
    yield made
    made.stop()


def test_what_one_port_was_answered_another_port_is(
    resolver: Resolver, upstream: NameServer
) -> None:
    """Asked upstream once for a household, whatever it does; once more for the other worker's."""
    resolver.begin()
    resolver.wait_until_ready()
    resolver.ask_in_every_way(HOUSEHOLDS[0])
    assert upstream.times_asked(NAME) == 1
    for each in HOUSEHOLDS:
        resolver.ask_in_every_way(each)
    assert upstream.times_asked(NAME) == 2
    assert "any worker" not in resolver.status()


def test_a_stale_answer_is_found_from_another_port(
    resolver: Resolver, upstream: NameServer
) -> None:
    """It expired and the upstream is dead, and the worker that had it is the one that is asked."""
    resolver.begin()
    resolver.wait_until_ready()
    (known,) = resolver.ask("brief.example.com", HOUSEHOLDS[0]).answer
    upstream.kill()
    time.sleep(known.ttl + 0.1)
    for _ in range(PORTS):
        reply = resolver.ask("brief.example.com", HOUSEHOLDS[0])
        assert reply.rcode() == dns.rcode.NOERROR
        assert reply.answer[0][0] == known[0]
        assert [each.code for each in reply.extended_errors()] == [3]


def test_the_same_holds_of_sockets_that_systemd_gives_for_each_worker(
    resolver: Resolver, upstream: NameServer
) -> None:
    """ReusePort=yes, and each line twice."""
    where = SocketAddress(ipaddress.IPv4Address("127.0.0.1"), resolver.port)
    kinds = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}
    given = [each for name, kind in kinds.items() for each in bind(name, kind, where, 2)]
    with ExitStack() as closing:
        for each in given:
            closing.enter_context(each.socket)
        resolver.begin(given)
        resolver.wait_until_ready()
    for source in HOUSEHOLDS:
        resolver.ask_in_every_way(source)
    assert upstream.times_asked(NAME) == 2
    assert "any worker" not in resolver.status()


def test_of_one_socket_for_both_workers_the_operator_is_told(resolver: Resolver) -> None:
    """Each worker then allows its share of the rates (`tests/cli/run/test_running.py`)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as only:
        only.bind(("127.0.0.1", 0))
        resolver.begin([NamedSocket("udp", only)])
        resolver.wait_until_ready()
    assert "a household may meet any worker" in resolver.status()


def test_a_relay_counts_a_household_in_one_worker(
    tmp_path: Path, own_redis_server: RedisServer, upstream: NameServer
) -> None:
    """Its ports refuse until one can serve; then a household's limit is that of both ports."""
    own_redis_server.kill()
    ports = [free_port(), free_port()]
    relay = RoleProcess(
        "relay",
        tmp_path,
        relay_tls_listen=f"127.0.0.1:{ports[0]}",
        relay_http_listen=f"127.0.0.1:{ports[1]}",
        relay_connections_per_client="4",
        **settings(own_redis_server, upstream),
    )
    relay.begin()
    try:
        wait_until(lambda: "allowlist not loaded" in relay.status())
        for port in ports:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), 10, (HOUSEHOLDS[0], 0))
        own_redis_server.start()
        let_in(own_redis_server)
        relay.wait_until_ready()
        for source in HOUSEHOLDS:
            assert served(source, [*ports, *ports, *ports, *ports]) == 4
    finally:
        relay.stop()


def served(source: str, ports: list[int]) -> int:
    """Connect to each of `ports`; give how many stay open once half of them were closed."""
    with ExitStack() as closing:
        clients = {
            closing.enter_context(socket.create_connection(("127.0.0.1", port), 20, (source, 0)))
            for port in ports
        }
        open_ones = set(clients)

        def half_are_closed() -> bool:
            open_ones.difference_update([each for each in open_ones if has_ended(each)])
            return len(open_ones) <= len(ports) / 2

        wait_until(half_are_closed)
        return len(open_ones)


def has_ended(client: socket.socket) -> bool:
    """Say whether the other side has closed a connection by which it says nothing."""
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
