"""Debian's own update clients against a running registry."""

import subprocess
from pathlib import Path

import pytest

from tests.peers.missing import require_program
from tests.registry.web.conftest import Visitor
from tests.registry.web.updates.updater import Updater, updater_of


@pytest.fixture
def updater(visitor: Visitor) -> Updater:
    """A router with a token of a fresh account."""
    return updater_of(visitor)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A place for a client's configuration and cache."""
    (tmp_path / "client").mkdir()
    return tmp_path / "client"


def test_real_ddclient(updater: Updater, folder: Path) -> None:
    """Debian's ddclient reports success for two host names and remembers it."""
    program = require_program("ddclient", "ddclient")
    configuration = folder / "ddclient.conf"
    configuration.write_text(
        f"daemon=0\nssl=no\nuse=ip, ip=203.0.113.9\nprotocol=dyndns2\n"
        f"server=127.0.0.1:{updater.visitor.server.port}\n"
        f"login=anybody\npassword={updater.token}\nhome.example.com,other.example.com\n"
    )
    configuration.chmod(0o600)
    done = subprocess.run(
        [program, "-daemon=0", "-foreground", "-noquiet", "-file", configuration,
         "-cache", folder / "cache"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.stdout + done.stderr).count("good: IP address set") == 2, done
    assert ",status=good," in (folder / "cache").read_text()
    assert updater.networks == ["127.0.0.1/32"]


def inadyn(updater: Updater, folder: Path, password: str) -> subprocess.CompletedProcess[str]:
    """Run it once, in the foreground, for one host name."""
    program = require_program("inadyn", "inadyn")
    configuration = folder / "inadyn.conf"
    configuration.write_text(
        f"""
        custom mediastreamer {{
            username = anybody
            password = {password}
            hostname = home.example.com
            ddns-server = 127.0.0.1:{updater.visitor.server.port}
            ddns-path = "/nic/update?hostname=%h&myip=%i"
            checkip-command = "/bin/echo 203.0.113.9"
            ssl = false
        }}
        """
    )
    return subprocess.run(
        [program, "--once", "--foreground", "--force", "--config", configuration,
         "--cache-dir", folder, "--pidfile", folder / "pid", "--loglevel", "debug"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_real_inadyn(updater: Updater, folder: Path) -> None:
    """Debian's inadyn: exit status 0, and the sender is registered."""
    done = inadyn(updater, folder, updater.token)
    assert done.returncode == 0, done
    assert updater.networks == ["127.0.0.1/32"]


def test_real_inadyn_with_wrong_token_fails(updater: Updater, folder: Path) -> None:
    """With a token that was revoked inadyn says that it was refused."""
    done = inadyn(updater, folder, "wrong")
    assert done.returncode != 0
    assert "401" in done.stdout + done.stderr, "refused, and not just never asked"
    assert updater.networks == []
