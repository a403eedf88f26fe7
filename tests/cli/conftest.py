"""The command line on an installation of the test's own."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.main import mediastreamer

Run = Callable[..., Result]


def call(*words: str, typed: str | bytes = "", status: int = 0) -> Result:
    """Run `mediastreamer WORDS`; `typed` goes to standard input."""
    result = CliRunner().invoke(mediastreamer, words, input=typed)
    assert result.exit_code == status, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run commands on an empty state folder."""
    monkeypatch.setenv("MEDIASTREAMER_STATE", str(tmp_path / "state"))
    return call


@pytest.fixture(scope="session")
def installed_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a state folder with a database and the account anna@example.com, to be copied."""
    folder = tmp_path_factory.mktemp("installed") / "state"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDIASTREAMER_STATE", str(folder))
        call("database", "upgrade")
        call("account", "add", "anna@example.com", "--password-stdin", typed="correct horse\n")
    return folder


@pytest.fixture
def installed(run: Run, tmp_path: Path, installed_state: Path) -> Run:
    """Run commands on a copy of that folder."""
    shutil.copytree(installed_state, tmp_path / "state")
    return run


@pytest.fixture
def report(installed: Run) -> Callable[..., Any]:
    """Run a command with --json and give what it reports."""
    return lambda *words, **given: json.loads(installed(*words, "--json", **given).stdout)
