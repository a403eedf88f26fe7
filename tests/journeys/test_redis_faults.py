"""What a household notices of Redis's bad days: a worker of the resolver, asked over UDP."""

import os
import signal
import socket
from typing import Any

import dns.edns
import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from smartdns.contract.addresses import parse_address
from smartdns.contract.grants import Profile
from smartdns.roles.resolver_role import resolver_service
from smartdns.settings import DataPlaneSettings
from smartdns.upstream.addresses import parse_upstream
from tests.peers.redis_server import RedisServer
from tests.peers.waiting import HANG_S, undisturbed_s
from tests.smartdns.allowlist.by_hand import Published, pause, until

STEERED, RELAY = "www.netflix.com.", "198.51.100.53"


class Worker:
    """A resolver on a port of its own, and a client on loopback."""

    def __init__(self, redis_url: str, *, fast: bool) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        settings = DataPlaneSettings(
            redis_url=redis_url,
            workers=1,
            refused_rate=0,
            upstreams=(parse_upstream("127.0.0.1:9"),),
            relay_addresses={"*": (parse_address(RELAY),)},
            relay_check_port=0,
            fast_path=fast,
        )
        self.role = resolver_service(settings)
        self.role.startService()
        self.role.open({"udp": [self.socket]})

    async def ask(self) -> tuple[int, int | None, float]:
        """RCODE and EDE of a steered name's answer, and the seconds it took."""
        query = dns.message.make_query(STEERED, "A", use_edns=True)
        began = undisturbed_s()
        reply = await deferToThread(dns.query.udp, query, "127.0.0.1", HANG_S, self.port)
        codes = [int(o.code) for o in reply.options if isinstance(o, dns.edns.EDEOption)]
        return reply.rcode(), codes[0] if codes else None, undisturbed_s() - began


@pytest.fixture(params=[True, False], ids=["fast", "plain"])
def fast(request: pytest.FixtureRequest) -> bool:
    """How the worker answers datagrams."""
    return bool(request.param)


@pytest_twisted.async_yield_fixture
async def worker(own_redis_server: RedisServer, fast: bool) -> Any:
    """A worker of a Redis that the test may do anything to."""
    worker = Worker(own_redis_server.url, fast=fast)
    yield worker
    await worker.role.stopService()
    worker.socket.close()


async def test_redis_down_at_start_then_there(
    own_redis_server: RedisServer, worker: Worker
) -> None:
    """Refused with EDE 14 (Not Ready), reported as not ready; served within 5 s of its coming."""
    own_redis_server.kill()
    assert (await worker.ask())[:2] == (dns.rcode.REFUSED, 14)
    report = worker.role.report()
    assert (report["loaded"], report["ready"]) == (False, False)
    own_redis_server.start()
    with own_redis_server.client() as client:
        Published(client).rebuild({"127.0.0.0/8": Profile("us")})
    served_by = undisturbed_s() + 5
    while (await worker.ask())[0] != dns.rcode.NOERROR:
        assert undisturbed_s() < served_by
        await pause(0.05)
    assert worker.role.report()["loaded"]


@pytest.mark.parametrize("fault", ["killed", "hanging", "restarted empty"])
async def test_redis_gone_later_goes_unnoticed(
    own_redis_server: RedisServer, worker: Worker, fault: str
) -> None:
    """From memory, without a query that waits; a removal still gets through afterwards."""
    with own_redis_server.client() as client:
        published = Published(client)
        published.rebuild({"127.0.0.0/8": Profile("us")})
    await until(lambda: worker.role.report()["loaded"] is True)
    assert (await worker.ask())[0] == dns.rcode.NOERROR
    if fault == "hanging":
        os.kill(own_redis_server.pid, signal.SIGSTOP)
    else:
        own_redis_server.kill()
        if fault == "restarted empty":
            own_redis_server.start()
    taken = []
    for _ in range(25):
        rcode, _, seconds = await worker.ask()
        assert rcode == dns.rcode.NOERROR
        taken.append(seconds)
        await pause(0.1)
    assert sorted(taken)[len(taken) // 2] < 0.2
    if fault == "hanging":
        os.kill(own_redis_server.pid, signal.SIGCONT)
    if fault == "killed":
        own_redis_server.start()
    with own_redis_server.client() as client:
        published.client = client
        published.rebuild({})
    refused_by = undisturbed_s() + 3
    while (await worker.ask())[0] != dns.rcode.REFUSED:
        assert undisturbed_s() < refused_by
        await pause(0.05)
