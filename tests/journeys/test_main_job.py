"""From "Register my IP address" to an answered query, as a household walks it."""

import contextlib
import json
import os
import socket
import stat
from pathlib import Path

import pytest

from tests.peers.form_client import FormClient
from tests.peers.installation import RELAY, Installation
from tests.peers.missing import missing
from tests.peers.waiting import wait_until


@pytest.fixture
def browser(shared: Installation) -> FormClient:
    """The owner, signed in, with no address registered."""
    client = shared.browser()
    page = client.get("/")
    if any("forget all" in button for form in page.forms for button in form.buttons):
        client.submit(page.form("Turn MediaStreamer off and forget all my addresses"))
    shared.dig_until("status: REFUSED", "www.netflix.com")
    return client


def test_a_household_registers_and_its_names_are_steered(
    shared: Installation, browser: FormClient
) -> None:
    """Refused before, steered soon after, other names real, and a neighbour still refused."""
    page = browser.get("/")
    assert "127.0.0.1" in page.text
    browser.submit(page.form("Register my IP address"))

    shared.dig_until(RELAY, "www.netflix.com", "A")
    for kind in ("AAAA", "HTTPS"):
        said = shared.dig("www.netflix.com", kind)
        assert "status: NOERROR" in said
        assert "ANSWER: 0" in said
        assert "SOA" in said
    assert "198.51.100.1" in shared.dig("www.example.com", "A")
    assert RELAY in shared.dig("www.netflix.com", "+tcp")
    assert "status: NXDOMAIN" in shared.dig("nothing.example.com")
    assert "status: REFUSED" in shared.dig("www.netflix.com", source="127.0.0.2")


def test_a_household_removes_its_address_and_is_refused(
    shared: Installation, browser: FormClient
) -> None:
    """The button beside the address; nothing remains, in Redis neither."""
    page = browser.submit(browser.get("/").form("Register my IP address"))
    shared.dig_until(RELAY, "www.netflix.com")
    browser.submit(page.form("/addresses/remove"))
    shared.dig_until("status: REFUSED", "www.netflix.com")
    status = shared.command("allowlist", "status", "--json")
    assert json.loads(status.stdout)["grants"] == 0


def test_one_address_is_followed_through_every_station(
    shared: Installation, browser: FormClient
) -> None:
    """`zones explain --from` shows database, Redis, each mirror and the decision."""
    browser.submit(browser.get("/").form("Register my IP address"))
    shared.dig_until(RELAY, "www.netflix.com")
    said = shared.command("zones", "explain", "www.netflix.com", "--from", "127.0.0.1", "--json")
    trail = json.loads(said.stdout)
    assert list(trail["database"]) == list(trail["redis"]) == ["127.0.0.1/32"]
    (resolver,) = trail["workers"]["resolver"]
    assert resolver["profile"] is not None
    assert RELAY in resolver["decision"]
    assert trail["workers"]["relay"][0]["profile"] is not None
    stranger = shared.command("zones", "explain", "www.netflix.com", "--from", "192.0.2.9")
    assert "not let in: refused" in stranger.stdout


def test_status_has_the_shape_that_operators_rely_on(shared: Installation) -> None:
    """Every role with its processes, its addresses and how far its allowlist has come."""
    said = json.loads(shared.command("status", "--json").stdout)
    assert said["ready"] is True
    assert set(said["roles"]) == {"resolver", "relay", "registry", "redis"}
    for role in said["roles"].values():
        assert role["pids"]
        assert role["listen"]
    resolver = said["roles"]["resolver"]
    assert f"udp://127.0.0.1:{shared.dns}" in resolver["listen"]
    assert resolver["loaded"] is True
    assert resolver["epoch"] >= 1
    assert resolver["position"] >= 0
    registry = said["roles"]["registry"]
    assert registry["epoch"] == resolver["epoch"]
    assert registry["position"] >= resolver["position"]


@pytest.mark.parametrize("role", ["resolver", "relay"])
def test_who_stands_by_is_no_worker_and_as_confined_as_one(shared: Installation, role: str) -> None:
    """It holds addresses: no file, no core dump, no swap, and no new rights, as with a worker."""
    wait_until(lambda: bool(shared.status()["roles"][role]["standby"]))
    said = shared.status()["roles"][role]
    (standby,), (worker,) = said["standby"], said["pids"]
    assert standby != worker
    assert str(standby) not in shared.command("status").stdout
    standing, working = confinement(standby), confinement(worker)
    assert standing == working
    assert standing["NoNewPrivs"] == "1"
    assert standing["Max core file size"] == "0 0 bytes"


def confinement(pid: int) -> dict[str, str | bool]:
    """Give what keeps a process from leaving anything behind."""
    status, limits = (Path(f"/proc/{pid}/{file}").read_text() for file in ("status", "limits"))
    lines = dict(line.split(":", 1) for line in status.splitlines())
    (cores,) = (line.split() for line in limits.splitlines() if line.startswith("Max core file"))
    return {
        "NoNewPrivs": lines["NoNewPrivs"].strip(),
        "Max core file size": " ".join(cores[4:]),
        "locked": lines["VmLck"].split()[0] != "0",
    }


def test_no_process_of_the_data_plane_has_the_registrys_secret_in_memory(
    shared: Installation,
) -> None:
    """It was never in what they are forked from; the registry beside them has it."""
    if os.geteuid() != 0:
        missing("only root may read the memory of others")
    secret = (shared.state / "secret-key").read_bytes().strip()
    roles = shared.status()["roles"]
    (registry,) = roles["registry"]["pids"]
    assert has_in_memory(registry, secret), "so that the search finds what is there"
    for role in ("resolver", "relay"):
        for pid in (*roles[role]["pids"], *roles[role]["standby"]):
            assert not has_in_memory(pid, secret)
            assert secret not in Path(f"/proc/{pid}/environ").read_bytes()


def has_in_memory(pid: int, octets: bytes) -> bool:
    """Search everything that a process can write to."""
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    with Path(f"/proc/{pid}/mem").open("rb") as memory:
        for line in maps:
            span, rights, *_ = line.split()
            if not rights.startswith("rw"):
                continue
            start, end = (int(each, 16) for each in span.split("-"))
            memory.seek(start)
            with contextlib.suppress(OSError):  # a mapping of a device, or one that is gone
                if octets in memory.read(end - start):
                    return True
    return False


def test_secrets_and_the_control_socket_are_for_the_owner_alone(shared: Installation) -> None:
    """0600 for each file that lets somebody in, and no password on what is not a terminal."""
    for name in ("sign-in", "control", "secret-key", "cookie-secret", "registry.sqlite"):
        assert stat.S_IMODE((shared.state / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(shared.state.stat().st_mode) == 0o700
    email, password = (shared.state / "sign-in").read_text().split()
    assert email == "owner@example.com"
    assert password not in shared.output.read_text()


def test_nonsense_on_the_control_socket_harms_nobody(shared: Installation) -> None:
    """A question that cannot be read is dropped, one that cannot be answered gets null."""
    before = shared.pids("resolver")
    for line in (b"nonsense\n", b'{"ask": 1}\n', b"[]\n", b"\n"):
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(shared.state / "control"))
            asking.sendall(line)
            asking.shutdown(socket.SHUT_WR)
            asking.settimeout(60)
            asking.recv(1000)
    question = b'{"ask": 1, "question": {"what": "explain", "name": "..", "address": "x"}}\n'
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(shared.state / "control"))
        asking.sendall(question)
        asking.settimeout(60)
        assert b'"value"' in asking.recv(1000)
    assert shared.pids("resolver") == before
