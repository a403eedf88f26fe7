"""Nine builds that leak on purpose: what each asks of the kernel is found out under strace."""

import http.client
from dataclasses import dataclass
from pathlib import Path

import dns.message
import dns.query
import pytest

from cli.audit.canaries import Canaries, Needles
from tests.peers.installation import RELAY
from tests.peers.name_server import NameServer
from tests.peers.ports import free_port
from tests.peers.waiting import wait_until
from tests.privacy.sabotage.leaks import LEAKS
from tests.privacy.system_calls import Known, Leak, judge
from tests.privacy.test_audit import SABOTAGE, kept_log
from tests.privacy.traced import TracedInstallation

FOUND = {
    "printed_name": ("write", "says more than a fixed line"),
    "hashed_address": ("openat", "opens for writing"),
    "syslog_datagram": ("sendto", "tells a canary"),
    "metrics_label": (None, "tells a canary"),
    "redis_key": ("sendto", "tells a canary"),
    "traceback_with_packet": ("write", "says more than a fixed line"),
    "gzip_file": ("openat", "opens for writing"),
    "mapped_file": ("mmap", "maps a file for writing"),
    "deleted_file": ("openat", "opens for writing"),
}
"""What each leak cannot do without; None: whatever call the supervisor is told by."""


@dataclass(frozen=True)
class Planted:
    """One traced life of a build that leaks."""

    leaks: dict[str, list[Leak]]
    """Way to leak -> what the judge found while it was open."""
    before: list[Leak]


@pytest.fixture(scope="module")
def planted(
    tmp_path_factory: pytest.TempPathFactory, name_server_of_the_session: NameServer
) -> Planted:
    """One leak after the other, a query for each."""
    folder = tmp_path_factory.mktemp("planted")
    upstream = f"127.0.0.1:{name_server_of_the_session.port}"
    installation, metrics = TracedInstallation(folder, upstream), free_port()
    canaries = Canaries()
    source, ends = canaries.address("address of a stranger"), {}
    with pytest.MonkeyPatch.context() as patch, kept_log(folder):
        patch.setenv("PYTHONPATH", str(SABOTAGE))
        patch.setenv("SABOTAGE_FOLDER", str(folder))
        installation.start(metrics=f"127.0.0.1:{metrics}")
        try:
            up, began = installation.pid, len(installation.lines())
            for leak in LEAKS:
                (folder / "leak").write_text(leak)
                word = canaries.word(leak)
                query = dns.message.make_query(f"{word}.example.com", "A")
                dns.query.tcp(query, "127.0.0.1", 15, installation.dns, source)
                (folder / "leak").unlink()
                scrape(metrics)
                ends[leak] = settled(installation)
        finally:
            installation.stop()
    lines = installation.lines_after(up)
    verdict = judge(lines, known(installation, upstream, metrics, canaries.needles()))
    starts = [began, *ends.values()]
    return Planted(
        {
            leak: [found for found in verdict.leaks if start <= found.line < end]
            for (leak, end), start in zip(ends.items(), starts, strict=False)
        },
        [found for found in verdict.leaks if found.line < began],
    )


def scrape(port: int) -> None:
    """Ask for the metrics, as Prometheus does."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/metrics")
    connection.getresponse().read()
    connection.close()


def settled(installation: TracedInstallation) -> int:
    """Wait until strace has written what there was to write; give the number of lines."""
    installation.status()  # one more exchange, which stands behind all before it
    lines = len(installation.lines())
    wait_until(lambda: len(installation.lines()) >= lines)
    return len(installation.lines())


def known(installation: TracedInstallation, upstream: str, metrics: int, words: Needles) -> Known:
    """Say whom this installation may talk to."""
    listening = {installation.dns, installation.tls, installation.http, installation.web, metrics}
    return Known(
        frozenset(listening),
        frozenset({upstream, f"{RELAY}:443", f"{RELAY}:80"}),
        str(installation.state / "redis" / "redis.sock"),
        words,
        words,
        database=str(installation.state / "registry.sqlite"),
    )


@pytest.mark.parametrize("leak", sorted(LEAKS))
def test_a_planted_leak_is_found_out(leak: str, planted: Planted) -> None:
    """By the same judge, in a whole installation, while that one way to leak is open."""
    call, rule = FOUND[leak]
    found = {(each.call, each.rule) for each in planted.leaks[leak]}
    assert any(rule == its_rule and call in {None, its_call} for its_call, its_rule in found)


def test_without_a_leak_nothing_is_found(planted: Planted) -> None:
    """Until the first one is open the same build is clean."""
    assert planted.before == []


def test_every_way_of_the_list_is_planted() -> None:
    """As many as the audit is held to, and each with what gives it away."""
    assert set(FOUND) == set(LEAKS)
    assert len(FOUND) == 9


def test_sabotage_is_nowhere_in_the_product() -> None:
    """What leaks lives below the tests."""
    assert SABOTAGE.is_relative_to(Path(__file__).parent)
