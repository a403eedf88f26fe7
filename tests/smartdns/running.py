"""A resolver as a worker composes it, and how a registry publishes to it."""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import dns.message
import dns.query
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from smartdns.contract.addresses import parse_socket_address
from smartdns.contract.configuration import Configuration
from smartdns.contract.grants import GrantChange, Head, Profile
from smartdns.contract.redis_layout import CHANGES, GRANTS, HEAD, encode_change
from smartdns.process.sockets import bind
from smartdns.roles.resolver_role import resolver_service
from smartdns.settings import read_settings
from tests.peers.redis_server import RedisServer

Start = Callable[..., "Running"]


class Running:
    """One resolver as a worker composes it."""

    def __init__(
        self, redis_url: str, upstream_port: int, *, opens: bool = True, **texts: str
    ) -> None:
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
        self.service = resolver_service(read_settings(Configuration(given)))
        self.service.startService()
        if opens:
            self.service.open(self.sockets)

    async def ask(self, name: str, **options: Any) -> dns.message.Message:
        query = dns.message.make_query(name, "A", use_edns=0)
        reply = await deferToThread(
            dns.query.udp, query, "127.0.0.1", port=self.port, timeout=60, **options
        )
        assert isinstance(reply, dns.message.Message)
        return reply

    async def until(self, holds: Callable[[dict[str, object]], bool]) -> None:
        """Wait for a report."""
        while not holds(self.service.report()):
            await deferLater(reactor, 0.01)


async def start_ready(
    start: Start, redis_server: RedisServer, upstream_port: int, **texts: str
) -> Running:
    """Let 127.0.0.1 in, start a resolver, and wait until it is ready."""
    with redis_server.client() as client:
        publish(client, 1, Profile("us"))
    resolver = start(redis_server.url, upstream_port, **texts)
    await resolver.until(lambda report: bool(report["ready"]))
    return resolver


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
