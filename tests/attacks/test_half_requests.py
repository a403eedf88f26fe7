"""Connections that never send a whole request, and so many that descriptors run out."""

import contextlib
import resource
import socket
import time
from collections.abc import Iterator

import pytest

from tests.peers.registry_server import RegistryServer
from tests.registry.web.conftest import StartServer, Visitor, new_address, visitor_of

HALF = b"GET /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "


@pytest.mark.parametrize("connections", [500, 2000])
def test_one_client_holds_few_connections(visitor: Visitor, connections: int) -> None:
    """Most of a client's half requests are refused, and another visitor is served."""
    with _open(visitor.server, [new_address()] * connections) as opened:
        assert visitor.client().get("/sign-in").status == 200
        assert sum(_is_open(each) for each in opened) <= 64
        assert visitor.client().get("/sign-in").status == 200


def test_a_request_is_whole_within_thirty_seconds(visitor: Visitor) -> None:
    """An octet now and then does not keep a connection: idle time is not what counts."""
    with _open(visitor.server, [new_address()]) as (dripping,):
        deadline = time.monotonic() + 120
        with contextlib.suppress(OSError):
            while time.monotonic() < deadline:
                dripping.sendall(b"a")
                dripping.settimeout(1)
                with contextlib.suppress(TimeoutError):
                    if not dripping.recv(1):
                        break
        assert time.monotonic() < deadline, "the connection is still open"


def test_with_few_descriptors_the_page_stays_open_for_others(start_registry: StartServer) -> None:
    """Many clients fill every place: their oldest connections make room, and nobody is reset."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))  # the registry inherits it
    try:
        server = start_registry()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    visitor = visitor_of(server)
    with _open(server, [new_address() for _ in range(30) for _ in range(30)]):
        client, page = visitor.signed_in()
        assert client.submit(page.form("Register my IP address")).status == 200
        assert visitor.networks == [f"{visitor.address}/32"]


@contextlib.contextmanager
def _open(server: RegistryServer, sources: list[str]) -> Iterator[list[socket.socket]]:
    """Open connections with half a request each; those that are refused stay in the list."""
    with contextlib.ExitStack() as stack:
        opened = []
        for source in sources:
            each = stack.enter_context(
                socket.create_connection(("127.0.0.1", server.port), 20, (source, 0))
            )
            with contextlib.suppress(OSError):
                each.sendall(HALF)
            opened.append(each)
        yield opened


def _is_open(connection: socket.socket) -> bool:
    """Say whether the server still waits for the rest of the request."""
    connection.settimeout(0.01)
    try:
        return connection.recv(1) == b"" and False
    except TimeoutError:
        return True
    except OSError:
        return False
