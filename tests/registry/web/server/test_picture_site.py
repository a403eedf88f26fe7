"""Where relays take check names: a picture, and no way to register the relay's own address."""

from collections.abc import Iterator

import pytest

from tests.peers.form_client import FormClient
from tests.peers.ports import free_port
from tests.peers.registry_server import RegistryServer
from tests.registry.web.conftest import served

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RegistryServer, FormClient]]:
    """A registry, and a visitor of its picture."""
    directory, port = tmp_path_factory.mktemp("picture"), free_port()
    url = f"sqlite:///{directory / 'registry.sqlite'}"
    for server in served(url, directory, check_listen=f"127.0.0.1:{port}"):
        yield server, FormClient(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize(
    "path", ["/static/reached.svg", "/", "/sign-in", "/u/token", "/nic/update"]
)
def test_every_path_has_the_picture(beside: tuple[RegistryServer, FormClient], path: str) -> None:
    """Nothing behind it looks at paths, names or cookies; nothing of it is kept by a browser."""
    server, visitor = beside
    host = server.url.removeprefix("http://")
    for headers in ({}, {"Host": host, "Cookie": "session=x", "Authorization": "Basic eDp5"}):
        reply = visitor.request("GET", path, headers=headers)
        assert reply.status == 200
        assert reply.headers["Content-Type"] == "image/svg+xml"
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["Set-Cookie"] is None
        assert reply.text.startswith("<svg")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_is_taken(beside: tuple[RegistryServer, FormClient], method: str) -> None:
    """405 and no word."""
    reply = beside[1].request(method, "/addresses", {"csrf_token": "x"})
    assert (reply.status, reply.body) == (405, b"")
