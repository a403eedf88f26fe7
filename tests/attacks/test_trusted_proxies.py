"""`TRUSTED_PROXIES` that names too much, and proxies that do not name their client."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.registry_server import RegistryServer
from tests.registry.web.conftest import served, visitor_of
from tests.registry.web.updates.updater import updater_of


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """A public registry whose only proxy is on loopback, in a network of proxies."""
    directory = tmp_path_factory.mktemp("behind")
    url = f"sqlite:///{directory / 'registry.sqlite'}"
    yield from served(url, directory, trusted_proxies="127.0.0.1 10.0.0.0/8", private_sources="0")


@pytest.mark.parametrize("named", ["0.0.0.0/0", "::/0", "8.0.0.0/8", "127.0.0.1 9.9.0.0/16"])
def test_no_start_with_proxies_everywhere(tmp_path: Path, named: str) -> None:
    """The registry does not start, and one line names the setting and the network."""
    environment = {
        **{name: value for name, value in os.environ.items() if "MEDIASTREAMER" not in name},
        "MEDIASTREAMER_STATE": str(tmp_path),
        "MEDIASTREAMER_TRUSTED_PROXIES": named,
    }
    command = [sys.executable, "-m", "cli.main", "registry"]
    ended = subprocess.run(
        command, check=False, env=environment, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode != 0
    assert "MEDIASTREAMER_TRUSTED_PROXIES" in ended.stderr
    assert named.rsplit(maxsplit=1)[-1] in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "hops",
    [
        "10.1.1.1",
        "10.1.1.1, 10.2.2.2",
        "127.0.0.1",
        ",",
        "8.8.4.4,",
        "8.8.4.4, , 10.1.1.1",
        ", 8.8.4.4",
        "8.8.4.4, unknown",
    ],
)
def test_a_request_without_a_client_registers_nobody(behind: RegistryServer, hops: str) -> None:
    """A page is refused with 400 and a router is told to try later; no address is guessed."""
    visitor = visitor_of(behind)
    updater = updater_of(visitor)
    page = visitor.client("127.0.0.1", **{"X-Forwarded-For": hops}).request("GET", "/sign-in")
    assert page.status == 400
    headers = {"X_Forwarded_For": hops}
    assert updater.get(source="127.0.0.1", **headers) == (503, "911\n")
    assert visitor.networks == []


def test_a_client_that_the_proxy_names_is_registered(behind: RegistryServer) -> None:
    """The same with one client: it is registered, whatever else is named."""
    visitor = visitor_of(behind)
    updater = updater_of(visitor)
    headers = {"X_Forwarded_For": "8.8.4.4, 10.1.1.1"}
    assert updater.get(source="127.0.0.1", **headers) == (200, "good 8.8.4.4\n")
