import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

Report = Callable[..., Any]


def test_adding_needs_a_database_and_says_how(run: Run) -> None:
    """Without a database nothing is made by the way; one line names the command."""
    result = run("account", "list", status=1)
    assert "mediastreamer database upgrade" in result.stderr
    assert result.stderr.count("\n") == 1


def test_account_is_added_shown_and_listed(installed: Run, report: Report) -> None:
    """What was given at adding is what show and list report."""
    installed(
        "account", "add", "Ben@Example.com", "--password-stdin", "--region", "us",
        "--until", "2031-05-01", typed="correct horse\n",
    )  # fmt: skip
    assert report("account", "show", "ben@example.com") == {
        "email": "ben@example.com",
        "state": "active",
        "region": "us",
        "until": "2031-05-01",
        "services": {},
        "slots": [],
    }
    assert [one["email"] for one in report("account", "list")] == [
        "anna@example.com",
        "ben@example.com",
    ]
    assert "until 2031-05-01" in installed("account", "list").stdout


@pytest.mark.parametrize(
    ("words", "typed", "status", "says"),
    [
        (["add", "anna@example.com", "--password-stdin"], "correct horse\n", 1, "already"),
        (["add", "nonsense", "--password-stdin"], "correct horse\n", 1, "not an e-mail address"),
        (["add", "b@example.com", "--password-stdin"], "short\n", 1, "8 to 1024 characters"),
        (["add", "b@example.com", "--password-stdin"], b"odd h\xf6rse\n", 1, "not UTF-8"),
        (["add", "b@example.com"], "", 2, "--password-stdin"),
        (["add", "b@example.com", "--until", "tomorrow"], "", 2, "YYYY-MM-DD"),
        (["add", "b@example.com", "--password-stdin", "--region", "xx"], "odd horse", 1, "Unknown"),
        (["set", "anna@example.com"], "", 2, "nothing to set"),
        (["set", "anna@example.com", "--region", "xx"], "", 1, "Unknown region"),
        (["set", "anna@example.com", "--service", "netflix"], "", 2, "NAME=R"),
        (["set", "anna@example.com", "--service", "nonesuch=us"], "", 1, "Unknown streaming"),
        (["show", "nobody@example.com"], "", 1, "no such account"),
        (["password", "nobody@example.com", "--password-stdin"], "", 1, "no such account"),
        (["delete", "anna@example.com"], "", 2, "give --yes"),
        (["delete", "anna@example.com"], "y\n", 2, "give --yes"),
        (["import", "/nonexistent.csv"], "", 2, "does not exist"),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(
    installed: Run, report: Report, words: list[str], typed: str | bytes, status: int, says: str
) -> None:
    """Each mistake has its exit status and its sentence, and nothing is lost."""
    before = report("account", "list")
    assert says in installed("account", *words, typed=typed, status=status).output
    assert report("account", "list") == before


def test_setting_regions_services_and_the_last_day(installed: Run, report: Report) -> None:
    """Each can be set and cleared again."""
    installed(
        "account", "set", "anna@example.com", "--region", "GB", "--service", "netflix=us",
        "--service", "bbc-iplayer=off", "--until", "2031-01-01",
    )  # fmt: skip
    shown = report("account", "show", "anna@example.com")
    assert shown["region"] == "gb"
    assert shown["services"] == {"netflix": "us", "bbc-iplayer": "off"}
    assert shown["until"] == "2031-01-01"
    installed(
        "account", "set", "anna@example.com", "--region", "none", "--service", "netflix=default",
        "--service", "bbc-iplayer=default", "--until", "never",
    )  # fmt: skip
    shown = report("account", "show", "anna@example.com")
    assert (shown["region"], shown["services"], shown["until"]) == (None, {}, None)


def test_suspending_and_resuming(installed: Run, report: Report) -> None:
    """The state shows in list and show."""
    installed("account", "suspend", "anna@example.com")
    assert report("account", "show", "anna@example.com")["state"] == "suspended"
    installed("account", "resume", "anna@example.com")
    assert report("account", "show", "anna@example.com")["state"] == "active"


@pytest.mark.parametrize(
    ("typed", "status", "says", "left"),
    [(b"n\n", 1, b"Aborted!", ["anna@example.com"]), (b"y\n", 0, b"Deleted anna@", [])],
)
@pytest.mark.processes
def test_deleting_asks_at_a_terminal(
    report: Report, typed: bytes, status: int, says: bytes, left: list[str]
) -> None:
    """Only whoever answers yes there has the account deleted."""
    keyboard, terminal = os.openpty()
    os.write(keyboard, typed)
    words = ["-m", "cli.main", "account", "delete", "anna@example.com"]
    done = subprocess.run(
        [sys.executable, *words], stdin=terminal, capture_output=True, timeout=120, check=False
    )
    os.close(terminal)
    os.close(keyboard)
    assert done.returncode == status
    assert says in done.stdout + done.stderr
    assert [one["email"] for one in report("account", "list")] == left


def test_deleting_leaves_nothing_in_the_files(installed: Run, tmp_path: Path) -> None:
    """After deletion neither file nor write-ahead log has the e-mail any more."""
    installed("account", "add", "canary@example.net", "--password-stdin", typed="correct horse\n")
    installed("address", "add", "canary@example.net", "8.31.73.127")
    state = tmp_path / "state"
    held = b"".join(file.read_bytes() for file in state.glob("registry.sqlite*"))
    assert b"canary@example.net" in held
    installed("account", "delete", "canary@example.net", "--yes")
    held = b"".join(file.read_bytes() for file in state.glob("registry.sqlite*"))
    assert b"canary" not in held
    # The network waits there to be published (added, removed), with no word of whose it was.
    assert held.count(b"8.31.73.127") == 2
