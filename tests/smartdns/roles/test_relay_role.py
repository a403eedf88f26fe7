"""The composed relay, on a real Redis and a real name server."""

import socket

import pytest
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from smartdns.contract.addresses import parse_socket_address
from smartdns.contract.configuration import Configuration, SettingError
from smartdns.contract.grants import Profile
from smartdns.process.sockets import bind
from smartdns.roles.relay_role import relay_service
from smartdns.settings import read_settings
from tests.peers.name_server import NameServer
from tests.peers.ports import free_port
from tests.peers.redis_server import RedisServer
from tests.smartdns.running import publish


async def test_the_relay_is_composed_and_reports(
    redis_server: RedisServer, name_server: NameServer, nothing_left_behind: None
) -> None:
    """Accepts once the allowlist was read, and closes a stranger unread."""
    with redis_server.client() as client:
        publish(client, 1, Profile("us"))
    where = parse_socket_address("127.0.0.1:0")
    listening = bind("relay-tls", socket.SOCK_STREAM, where)[0].socket
    given = {"redis_url": redis_server.url, "upstreams": f"127.0.0.1:{name_server.port}"}
    service = relay_service(read_settings(Configuration(given)))
    service.startService()
    service.open({"relay-tls": [listening]})
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


async def test_an_upstream_that_is_silent_is_named(redis_server: RedisServer) -> None:
    """In the lines of `status`, as a resolver's are."""
    port = free_port()
    given = {"redis_url": redis_server.url, "upstreams": f"127.0.0.1:{port}"}
    service = relay_service(read_settings(Configuration(given)))
    service.startService()
    while not service.report()["trouble"]:
        await deferLater(reactor, 0.01)
    assert service.report()["trouble"] == [f"upstream 127.0.0.1:{port} does not answer"]
    assert service.report()["failed"] is None
    await service.stopService()


def test_an_exit_of_a_region_that_does_not_exist_stops_the_relays_start() -> None:
    """A misspelt region would be one that nobody reaches; the line names the setting."""
    settings = read_settings(Configuration({"relay_exits": "us=direct zz=direct"}))
    with pytest.raises(SettingError, match="RELAY_EXITS: there is no region zz; there are"):
        relay_service(settings)
