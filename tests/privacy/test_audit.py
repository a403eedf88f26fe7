"""The audit on an installation as it is, and on nine that leak."""

import contextlib
import datetime
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.audit.stores import read_metrics
from cli.audit.watch import Watch
from tests.peers.certificates import self_signed
from tests.peers.installation import Installation
from tests.peers.missing import missing
from tests.peers.name_server import NameServer
from tests.peers.ports import free_port
from tests.privacy.sabotage.leaks import LEAKS

SABOTAGE = Path(__file__).parent / "sabotage"
WHERE = {
    "printed_name": "printed",
    "hashed_address": "seen",
    "syslog_datagram": "syslog",
    "metrics_label": "metrics",
    "redis_key": "Redis",
    "traceback_with_packet": "output",
    "gzip_file": "seen.gz",
    "mapped_file": "mapped",
    "deleted_file": "written by resolver",
}
"""What the audit must name for each leak."""


_OUTCOMES = ("answered", "dropped", "failed", "odd", "refused", "remembered", "silent")
_STATES = {
    "resolver": ("queries_in_flight", "ready", "streams", "troubles", "workers"),
    "relay": ("ready", "troubles", "workers"),
}
SERIES = {
    *(
        f'mediastreamer_queries_total{{outcome="{outcome}",role="resolver"}}'
        for outcome in _OUTCOMES
    ),
    *(
        f'mediastreamer_state{{role="{role}",what="{what}"}}'
        for role, states in _STATES.items()
        for what in states
    ),
}
"""All that is counted: nothing rare, nothing of one person, nothing that comes with its first."""


@pytest.fixture(scope="module")
def upstream(name_server_of_the_session: NameServer) -> str:
    """Where the installations forward to."""
    return f"127.0.0.1:{name_server_of_the_session.port}"


@pytest.fixture(scope="module")
def sabotaged(
    tmp_path_factory: pytest.TempPathFactory, upstream: str
) -> Iterator[tuple[Installation, Path]]:
    """A running build that holds all nine leaks, and the file that says which one is open."""
    folder = tmp_path_factory.mktemp("sabotaged")
    installation = Installation(folder, upstream)
    with pytest.MonkeyPatch.context() as patch, kept_log(folder):
        patch.setenv("PYTHONPATH", str(SABOTAGE))
        patch.setenv("SABOTAGE_FOLDER", str(folder))
        installation.start(metrics=f"127.0.0.1:{free_port()}")
        yield installation, folder / "leak"
        installation.stop()


@contextlib.contextmanager
def kept_log(folder: Path) -> Iterator[None]:
    """Keep what is sent to a log socket in a file, as syslog daemons do."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(folder / "log-socket"))

        def keep() -> None:
            while data := listening.recv(65536):
                with (folder / "syslog").open("ab") as file:
                    file.write(data + b"\n")

        thread = threading.Thread(target=keep)
        thread.start()
        try:
            yield
        finally:  # or a failed test would hang the whole run
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
                sending.sendto(b"", str(folder / "log-socket"))
            thread.join()


def _audit(installation: Installation) -> tuple[int, dict[str, Any]]:
    # Of other programs' files on this machine there may be any number.
    folder = str(installation.state.parent)
    ended = installation.command("privacy", "audit", "--json", "--search", folder)
    assert ended.stdout, ended.stderr
    return ended.returncode, json.loads(ended.stdout)


def _series(metrics: str) -> set[str]:
    lines = read_metrics(metrics).decode().splitlines()
    found = {line.rpartition(" ")[0] for line in lines if line and not line.startswith("#")}
    return {each for each in found if 'role="registry"' not in each}


def _found(report: dict[str, Any]) -> list[str]:
    return [f"{p['where']}: {p['what']}" for p in report["places"] if p["verdict"] == "found"]


def test_a_fresh_installation_is_clean(tmp_path: Path, upstream: str) -> None:
    """Every way in was answered, every kind of place searched, and nothing found.

    The metrics are the whole list of series, before the first query and after.
    """
    installation, metrics = Installation(tmp_path, upstream), f"127.0.0.1:{free_port()}"
    installation.start(metrics=metrics)
    before = _series(metrics)
    status, report = _audit(installation)
    after = _series(metrics)
    installation.stop()
    assert before == after == SERIES
    assert _found(report) == []
    assert report["not_answered"] == []
    assert status == 0
    assert sum(report["answered"].values()) >= 30
    searched = " ".join(place["where"] for place in report["places"])
    for kind in ("resolver", "relay", "registry", "Redis", "database", "metrics", "journal",
                 "core dumps", "swap", "changed meanwhile", "titles of all", "history",
                 "log of refused commands", "container"):  # fmt: skip
        assert kind in searched


def test_an_installation_of_ipv6_alone_is_audited(tmp_path: Path, upstream: str) -> None:
    """Each of its listeners, DNS over TLS too; every way in is answered and nothing is kept."""
    ports = {what: free_port("::1") for what in ("dns", "web", "relay-tls", "relay-http")}
    options = (word for what, port in ports.items() for word in (f"--{what}", f"[::1]:{port}"))
    installation = Installation(tmp_path, upstream, *options)
    pair = self_signed("dns.test", tmp_path, datetime.timedelta(days=1))
    over_tls = f"[::1]:{free_port('::1')}"
    installation.start(
        dns_tls_listen=over_tls, dns_certificate=str(pair.certificate), dns_key=str(pair.key)
    )
    status, report = _audit(installation)
    installation.stop()
    assert _found(report) == []
    assert (status, report["not_answered"]) == (0, [])
    assert report["reached"] == {
        "DNS": f"[::1]:{ports['dns']}",
        "DNS over TLS": over_tls,
        "the relay for TLS": f"[::1]:{ports['relay-tls']}",
        "the relay for HTTP": f"[::1]:{ports['relay-http']}",
        "the page": f"[::1]:{ports['web']}",
    }
    who = "this machine over IPv6"
    for way in (
        *(f"query of {who} over {transport}" for transport in ("UDP", "TCP", "TLS")),
        *(f"{kind} connection of {who} to the relay" for kind in ("TLS", "HTTP")),
        "address of a page over IPv6",
    ):
        assert report["answered"][way] == report["sent"][way] > 0


def test_canaries_are_sent_by_dns_over_tls(tmp_path: Path, upstream: str) -> None:
    """As a household, which is answered, and as a stranger, who is refused."""
    installation = Installation(tmp_path, upstream)
    pair = self_signed("dns.test", tmp_path, datetime.timedelta(days=1))
    over_tls = f"127.0.0.1:{free_port()}"
    installation.start(
        dns_tls_listen=over_tls, dns_certificate=str(pair.certificate), dns_key=str(pair.key)
    )
    status, report = _audit(installation)
    installation.stop()
    assert (status, report["reached"]["DNS over TLS"]) == (0, over_tls)
    for who in ("a household", "a stranger"):
        assert report["answered"][f"query of {who} over TLS"] == 2


@pytest.mark.parametrize("leak", sorted(LEAKS))
def test_a_build_that_leaks_is_found_out(leak: str, sabotaged: tuple[Installation, Path]) -> None:
    """The audit names what holds the canary, and its exit status is 1."""
    installation, choice = sabotaged
    if leak == "deleted_file" and not _may_watch():
        missing("watching files takes root (fanotify)")
    choice.write_text(leak)
    status, report = _audit(installation)
    choice.unlink()
    places = " ".join(_found(report))
    assert WHERE[leak] in places
    assert "as text" in places or "its " in places or "hexadecimal" in places
    assert status == 1
    assert report["not_answered"] == []


def _may_watch() -> bool:
    with Watch(()) as watch:
        return watch.works
