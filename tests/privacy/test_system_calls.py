"""What our processes ask of the kernel while canaries go through them: nothing that keeps."""

import os
import re
import signal
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cli.audit.canaries import Needles
from cli.audit.report import AuditReport
from smartdns.build import build
from tests.peers.waiting import wait_until
from tests.privacy import dns_deeds, page_deeds, relay_deeds
from tests.privacy.faults.sitecustomize import ALL_STAGES, STAGES
from tests.privacy.life import EXIT, Life, life
from tests.privacy.strace_lines import calls
from tests.privacy.system_calls import Known, Leak, Verdict, judge

pytestmark = pytest.mark.processes


@dataclass(frozen=True)
class Run:
    """One traced life of an installation."""

    report: AuditReport
    lines: list[str] = field(repr=False)
    known: Known
    verdict: Verdict
    first_worker: int
    status: int
    said: str
    folder: Path
    gone: Needles
    """What was held about an account that was deleted."""
    canary: str
    """One of the words."""


def lose_redis(life: Life) -> None:
    """Freeze it, kill it; canaries flow while it hangs, is away, is empty, and is filled again."""
    (redis,) = life.installation.pids("redis")

    def steered(word: str) -> bool:
        return dns_deeds.led(dns_deeds.ask(life, f"{word}.netflix.com"))

    os.kill(redis, signal.SIGSTOP)
    life.traffic.send("query while Redis hangs", steered)
    os.kill(redis, signal.SIGKILL)
    life.traffic.send("query while Redis is away", steered)
    life.traffic.send("film while Redis is away", lambda word: relay_deeds.film(life, word))
    wait_until(lambda: life.installation.pids("redis") not in ([], [redis]))
    life.traffic.send("query while Redis is empty", steered)
    wait_until(lambda: bool(life.installation.status()["ready"]))
    life.traffic.send("query once Redis is back", steered)


def live(life: Life) -> None:
    """Everything that happens to an installation, from its first visitor to SIGTERM."""
    here = life.installation
    page_deeds.register_the_household(life)
    dns_deeds.send_what_goes_well(life)
    relay_deeds.send_through_the_relay(life)
    page_deeds.send_to_the_page(life)
    page_deeds.live_an_account(life)
    dns_deeds.send_what_goes_wrong(life)
    lose_redis(life)
    relay_deeds.send_without_descriptors(life)
    dns_deeds.send_while_a_worker_dies(life)
    page_deeds.follow_a_name(life)
    (worker,), followed = here.pids("resolver"), page_deeds.times_followed(life)
    here.signal(signal.SIGHUP)
    wait_until(lambda: here.pids("resolver") not in ([], [worker]))
    wait_until(lambda: page_deeds.times_followed(life) > followed)
    wait_until(lambda: dns_deeds.is_steered(life))
    dns_deeds.end_with_queries_in_flight(life)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """From the start to the end, once for all tests here."""
    with life(tmp_path_factory.mktemp("traced")) as made:
        made.start()
        try:
            up = made.installation.pid
            (worker,) = made.installation.pids("resolver")
            live(made)
        finally:
            status = made.installation.stop()
        lines = made.installation.lines_after(up)
        known = made.known()
        verdict = judge(lines, known)
        return Run(
            made.traffic.report,
            lines,
            known,
            verdict,
            worker,
            status,
            made.said,
            made.folder,
            made.gone.needles(),
            next(iter(made.traffic.canaries.sent)),
        )


def test_no_process_does_anything_that_keeps(run: Run) -> None:
    """Every call is to who asked, upstream, origin, Redis, database, supervisor or itself."""
    assert run.verdict.leaks == []
    assert run.status == 0


def test_whatever_is_raised_says_its_kind_and_its_place(run: Run) -> None:
    """Each stage really broke, with a packet in its exception, and a line of code is all we hear.

    The page's own handler says where; what a handler of ours does not catch, the gate names.
    """
    expected = {fault for stages in STAGES.values() for fault in stages} - {"PageFault"}
    for fault in expected:
        assert re.search(rf"^{fault} at faults/sitecustomize.py:\d+$", run.said, re.MULTILINE)
    assert "registry.web.server.error_pages: error at server/error_pages.py:" in run.said


@pytest.mark.skipif(
    build() == "compiled", reason="nothing takes the place of a compiled function: run plain Python"
)
def test_every_stage_was_broken() -> None:
    """In the compiled build only those break that stay plain Python."""
    assert STAGES == ALL_STAGES


def test_nothing_is_left_at_rest(run: Run) -> None:
    """No word is in any file that the life left behind, in any form; nor is the deleted account."""
    files = [run.folder / "output", run.folder / "printed"]
    files += [path for path in (run.folder / "state").rglob("*") if path.is_file()]
    assert len(files) > 5
    kept = [
        (path.name, found)
        for path in files
        if (found := [*run.known.words.find(path.read_bytes()), *run.gone.find(path.read_bytes())])
    ]
    assert kept == []
    assert run.known.asker.find((run.folder / "state" / "registry.sqlite").read_bytes())
    assert not list(Path.cwd().glob("core*"))


def test_the_planes_share_nothing_but_the_grants(run: Run) -> None:
    """The database is the registry's alone, Redis is the one server both talk to."""
    reached: dict[str, set[str]] = {}
    for call in calls(run.lines):
        if call.name == "connect":
            role = run.verdict.role_of(call.thread)
            path = re.search(r'sun_path="([^"]+)"', call.rest)
            reached.setdefault(role, set()).update([path[1]] if path else [])
        if call.name in {"openat", "open"} and b"registry.sqlite" in call.content:
            assert run.verdict.role_of(call.thread) in {"registry", ""}
    assert reached["resolver"] & reached["registry"] == {run.known.redis}
    assert reached["relay"] & reached["registry"] == {run.known.redis}


def test_a_region_asks_and_leaves_by_its_own_exit(run: Run) -> None:
    """The relay's look-ups and connections for the other region come from that exit, and do tell.

    Upstream and origin were told a canary, and never who asked: that is what the judge looks for.
    """
    left = [
        call
        for call in calls(run.lines)
        if run.verdict.role_of(call.thread) == "relay"
        and any(f"[{EXIT}:" in target for _, target in call.descriptors)
        and run.known.words.find(call.content)
    ]
    kinds = {call.descriptors[0][1].partition(":")[0] for call in left}
    assert kinds >= {"UDP"}


def test_nothing_listens_but_what_was_asked_for(run: Run) -> None:
    """DNS, DNS over TLS, the relay's two and the page; no metrics, which nobody switched on."""
    bound = [call.descriptors[0][1] for call in calls(run.lines) if call.name == "listen"]
    tcp = {each.partition("[")[2].rstrip("]") for each in bound if each.startswith("TCP")}
    assert tcp == {f"127.0.0.1:{port}" for port in run.known.listening}


def test_every_process_was_judged_from_its_start(run: Run) -> None:
    """Resolvers and relays before and after SIGABRT and SIGHUP, the registry, and all others."""
    roles = list(run.verdict.processes.values())
    assert roles.count("resolver") >= 4
    assert roles.count("relay") >= 3
    assert roles.count("registry") >= 2
    for role in ("resolver", "relay", "registry", ""):
        assert run.verdict.judged[role] > 500
    assert run.verdict.contents > 300


def test_the_run_counts(run: Run) -> None:
    """It proves something: on every way canaries were answered, all but a few of them."""
    assert run.report.silent == []
    sent, answered = sum(run.report.sent.values()), sum(run.report.answered.values())
    unbroken = sum(len(ALL_STAGES[role]) - len(STAGES[role]) for role in STAGES)
    assert sent + unbroken >= 100
    assert answered >= sent - 3, "those in flight at SIGTERM may end unanswered"


def test_the_tracer_saw_the_canaries(run: Run) -> None:
    """The worker's own calls have them: were they in a file, they would have been seen."""
    theirs = [call for call in calls(run.lines) if call.thread == run.first_worker]
    assert sum(bool(run.known.words.find(call.content)) for call in theirs[-400:]) > 20


_LOG = '{sa_family=AF_UNIX, sun_path="/dev/log"}'


@pytest.mark.parametrize("role", ["resolver", "relay", "registry"])
@pytest.mark.parametrize(
    ("planted", "rule"),
    [
        ('openat(AT_FDCWD</>, "/x", O_WRONLY|O_CREAT, 0666) = -1 EACCES', "opens for writing"),
        ('write(9</var/log/x>, "\\0", 1) = 1', "writes elsewhere"),
        (f'sendto(9<UNIX-DGRAM:[7]>, "x", 1, 0, {_LOG}, 110) = 1', "writes elsewhere"),
        ("mmap(NULL, 9, PROT_WRITE, MAP_SHARED, 9</x>, 0) = 0x7f", "maps a file for writing"),
        ('write(24<UNIX-STREAM:[1->2]>, "INCR {canary}", 9) = 9', "tells a canary"),
        ('write(2</x>, "KeyError: {canary} at a.py:1\\n", 9) = 9', "says more than a fixed line"),
    ],
)
def test_one_leak_among_all_that_is_found_out(run: Run, role: str, planted: str, rule: str) -> None:
    """The same judge, after the same process took its name, and one line more."""
    pid = next(pid for pid, its_role in run.verdict.processes.items() if its_role == role)
    start = f'{pid} prctl(PR_SET_NAME, "{role}") = 0'
    line = f"{pid} {planted.replace('{canary}', run.canary)}"
    assert judge([start, line], run.known).leaks == [Leak(planted.partition("(")[0], rule)]
