"""The command line on an installation of the test's own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.main import mediastreamer

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `mediastreamer WORDS` on an empty state folder; `typed` goes to standard input."""
    monkeypatch.setenv("MEDIASTREAMER_STATE", str(tmp_path / "state"))

    def call(*words: str, typed: str | bytes = "", status: int = 0) -> Result:
        result = CliRunner().invoke(mediastreamer, words, input=typed)
        assert result.exit_code == status, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return call


@pytest.fixture
def installed(run: Run) -> Run:
    """The same with a database and the account anna@example.com."""
    run("database", "upgrade")
    run("account", "add", "anna@example.com", "--password-stdin", typed="correct horse\n")
    return run


@pytest.fixture
def report(installed: Run) -> Callable[..., Any]:
    """Run a command with --json and give what it reports."""
    return lambda *words, **given: json.loads(installed(*words, "--json", **given).stdout)
