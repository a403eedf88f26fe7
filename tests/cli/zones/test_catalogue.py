"""`mediastreamer zones`: what it prints, and its exit status."""

import json
from pathlib import Path

import pytest

from tests.cli.zones.running import GOOD, run


def test_check_of_a_good_catalogue(folder: Path) -> None:
    """Status 0 and one line of what there is; notes of what is odd before it."""
    (folder / "mine.toml").write_text(GOOD + 'names = ["captive.apple.com"]\n')
    result = run("check", "--zones", folder)
    assert result.exit_code == 0
    note, good = result.stdout.splitlines()
    assert note.startswith("Note: mine: captive.apple.com has no effect")
    assert good.startswith("Good: ")


def test_check_of_a_bad_catalogue(folder: Path) -> None:
    """Status 1 and one line for each mistake, with file and line; the same as JSON."""
    (folder / "mine.toml").write_text(GOOD.replace("gb", "xx") + 'sufix = ["hbo"]\n')
    result = run("check", "--zones", folder)
    assert result.exit_code == 1
    assert [line.partition(": ")[0] for line in result.stderr.splitlines()] == [
        f"{folder / 'mine.toml'}:2",
        f"{folder / 'mine.toml'}:4",
    ]
    found = json.loads(run("check", "--json", "--zones", folder).stdout)
    assert found["good"] is False
    assert [problem["line"] for problem in found["problems"]] == [2, 4]
    assert run("list", "--zones", folder).exit_code == 1


def test_folders_come_from_the_setting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `--zones` the installation's own setting counts."""
    (folder / "mine.toml").write_text(GOOD)
    monkeypatch.setenv("MEDIASTREAMER_ZONES", str(folder))
    assert "mine.example" in run("explain", "a.mine.example").stdout


def test_list() -> None:
    """A line for each service; as JSON everything about it, and the regions."""
    lines = run("list").stdout.splitlines()
    assert any(line.split()[:2] == ["netflix", "Netflix"] for line in lines)
    listed = json.loads(run("list", "--json").stdout)
    assert len(listed["services"]) == len(lines)
    assert listed["regions"]["gb"] == "United Kingdom"
    (netflix,) = [one for one in listed["services"] if one["name"] == "netflix"]
    assert "netflixdnstest10.com" in netflix["suffixes"]
