"""What the origin of a relayed connection learns: the relay's address, and what the client said."""

import contextlib
import ipaddress
import socket

import pytest

from cli.audit.canaries import Canaries
from smartdns.contract.grants import Profile
from smartdns.upstream.egress import Direct
from tests.smartdns.relay.laboratory import (
    HELLO,
    NAME,
    MakeLaboratory,
    MakeOrigin,
    in_thread,
    read_all,
)

REQUEST = b"GET /film HTTP/1.1\r\nHost: " + NAME + b"\r\nUser-Agent: tv\r\n\r\n"
EXIT = "127.0.0.9"


@pytest.mark.parametrize(
    ("egress", "seen"), [(Direct(), "127.0.0.1"), (Direct(ipv4=EXIT), EXIT)], ids=["own", "exit"]
)
@pytest.mark.parametrize("said", [HELLO, REQUEST], ids=["TLS", "HTTP"])
async def test_an_origin_sees_the_relay_and_never_the_household(
    origin: MakeOrigin, laboratory: MakeLaboratory, said: bytes, egress: Direct, seen: str
) -> None:
    """By both protocols and ways: the peer is the relay, no header or PROXY line is added."""
    heard: list[tuple[str, bytes]] = []

    def serve(connection: socket.socket) -> None:
        heard.append((connection.getpeername()[0], read_all(connection)))

    canaries = Canaries()
    household = canaries.address("address of a household")
    lab = laboratory(origin(serve).port, egresses={"*": egress})
    lab.allowlist.profiles[ipaddress.ip_address(household).packed] = Profile()
    where = lab.tls if said is HELLO else lab.http

    def talk() -> None:
        with socket.create_connection(where, 20, (household, 0)) as client:
            client.sendall(said + b"and more")
            client.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionError):
                client.recv(1)

    await in_thread(talk)
    assert heard == [(seen, said + b"and more")]
    assert canaries.needles().find(heard[0][1]) == []
