"""A deed in a process of its own."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.processes

_RUN = """
import os
from cli.run.apart import FailedApartError, run_apart
def deed():
    {deed}
try:
    run_apart("upgrade", deed, lambda error: "line of " + type(error).__name__)
except FailedApartError as error:
    print("failed:", error)
print("goes on")
"""


def run(deed: str) -> list[str]:
    """Do it apart, in a process whose last argument may be replaced; give what is printed."""
    command = [sys.executable, "-c", _RUN.format(deed=deed), "template"]
    return subprocess.check_output(command, text=True).splitlines()


def test_what_it_changes_is_not_seen_here() -> None:
    """Its memory is its own, and ends with it."""
    assert run("os.chdir('/')") == ["goes on"]


def test_what_it_raises_is_a_line_here() -> None:
    """The values of an exception stay where they were."""
    assert run("raise KeyError('203.0.113.77')") == ["failed: line of KeyError", "goes on"]


def test_that_it_was_killed_is_said() -> None:
    """By the system, where memory is short."""
    said = run("os.kill(os.getpid(), 9)")
    assert said == ["failed: upgrade was ended by the system", "goes on"]
