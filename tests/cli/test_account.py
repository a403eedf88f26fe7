import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.shell_completion import ShellComplete

from cli.main import mediastreamer
from registry.web.sign_in.invitation import is_invited
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


def test_token_is_shown_once_and_limited(installed: Run, report: Report) -> None:
    """Username, token and link are reported; nothing of the token is in the export."""
    issued = report("account", "token", "anna@example.com", "--label", "router")
    assert set(issued) == {"username", "token", "link"}
    assert issued["link"].endswith(issued["token"])
    export = installed("account", "export", "anna@example.com").stdout
    assert issued["token"] not in export
    assert json.loads(export)["slot"][0]["label"] == "router"
    for _ in range(4):
        installed("account", "token", "anna@example.com")
    assert "All 5 places" in installed("account", "token", "anna@example.com", status=1).stderr


@pytest.mark.parametrize(
    ("typed", "status", "says", "left"),
    [(b"n\n", 1, b"Aborted!", ["anna@example.com"]), (b"y\n", 0, b"Deleted anna@", [])],
)
def test_deleting_asks_at_a_terminal(
    report: Report, typed: bytes, status: int, says: bytes, left: list[str]
) -> None:
    """Only whoever answers yes there has the account deleted."""
    keyboard, terminal = os.openpty()
    os.write(keyboard, typed)
    words = ["-m", "cli.main", "account", "delete", "anna@example.com"]
    done = subprocess.run(
        [sys.executable, *words], stdin=terminal, capture_output=True, timeout=60, check=False
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


def table(path: Path, *rows: tuple[str, ...]) -> str:
    """Write a CSV table with the header that is due."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("email", "address", "region"), *rows])
    return str(path)


def test_import_stores_all_and_is_repeatable(
    installed: Run, report: Report, tmp_path: Path
) -> None:
    """Accounts, networks and regions come in; a second run adds nothing."""
    file = table(
        tmp_path / "t.csv",
        ("ben@example.com", "8.8.8.8", "us"),
        ("BEN@example.com", "2a00:1450::5", ""),
        ("anna@example.com", "9.9.9.0/24", "gb"),
        ("cleo@example.com", "", ""),
    )
    first = report("account", "import", file)
    assert first == {"rows": 4, "accounts_added": 2, "networks_added": 3}
    assert report("account", "import", file) == {
        "rows": 4,
        "accounts_added": 0,
        "networks_added": 0,
    }
    held = {one["network"] for one in report("address", "list", "ben@example.com")}
    assert held == {"8.8.8.8/32", "2a00:1450::/64"}
    assert report("account", "show", "anna@example.com")["region"] == "gb"


def test_import_is_all_or_nothing(installed: Run, report: Report, tmp_path: Path) -> None:
    """Every faulty line is named with its reason, and the good ones are not stored either."""
    file = table(
        tmp_path / "t.csv",
        ("ben@example.com", "8.8.8.8", "us"),
        ("nonsense", "8.8.8.8", "us"),
        ("cleo@example.com", "8.8.8.8.8", "us"),
        ("cleo@example.com", "", "xx"),
        ("ben@example.com", "", "gb"),
        ("dora@example.com",),
    )
    said = installed("account", "import", file, status=1).stderr
    for number, says in [
        (3, "not an e-mail address"),
        (4, "not an IP address"),
        (5, "Unknown region"),
        (6, "another region"),
        (7, "takes 3 cells"),
    ]:
        assert any(
            line.startswith(f"line {number}: ") and says in line for line in said.split("\n")
        )
    assert "Nothing was stored: lines that cannot be imported: 5." in said
    assert len(report("account", "list")) == 1


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"", "the first line must be email,address,region"),
        (b"mail,ip\n", "the first line must be"),
        (b'email,address,region\n"a@example.com\n', "not CSV"),
        (b"email,address,region\n\xff\xfe,,\n", "not UTF-8"),
        (b"\x00\x01\x02", "the first line must be"),
    ],
)
def test_what_is_no_table_is_refused(
    installed: Run, tmp_path: Path, octets: bytes, says: str
) -> None:
    """A file that is something else altogether is refused in a line."""
    file = tmp_path / "t.csv"
    file.write_bytes(octets)
    assert says in installed("account", "import", str(file), status=1).stderr


def test_invitation_is_a_link_for_one_address(
    installed: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With sign-up closed it is refused; else the link is valid for that e-mail alone."""
    assert (
        "MEDIASTREAMER_SIGN_UP"
        in installed("account", "invite", "ben@example.com", status=1).stderr
    )
    monkeypatch.setenv("MEDIASTREAMER_SIGN_UP", "invitation")
    monkeypatch.setenv("MEDIASTREAMER_MAIL_URL", str(tmp_path / "mail"))
    link = urlsplit(installed("account", "invite", "Ben@example.com").stdout.strip())
    [invitation] = parse_qs(link.query)["invitation"]
    secret = (tmp_path / "state" / "secret-key").read_text()
    assert is_invited(secret, invitation, "ben@example.com")
    assert not is_invited(secret, invitation, "cleo@example.com")


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        (["account", "add", "--region", "u"], ["ua", "us"]),
        (["account", "set", "--service", "netfl"], ["netflix="]),
        (["account", "set", "--service", "netflix=of"], ["netflix=off"]),
        (["account", "su"], ["suspend"]),
    ],
)
def test_words_are_completed(typed: list[str], completed: list[str]) -> None:
    """The shell is offered commands, regions and services."""
    *words, incomplete = typed
    completion = ShellComplete(mediastreamer, {}, "mediastreamer", "_MEDIASTREAMER_COMPLETE")
    assert [item.value for item in completion.get_completions(words, incomplete)] == completed
