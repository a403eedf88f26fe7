"""The name of a process, as others see it."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.processes

_ASK = """
from pathlib import Path
from smartdns.process.title import set_title
set_title({title!r})
arguments = Path("/proc/self/cmdline").read_bytes().split(bytes(1))[3:]
print(arguments, Path("/proc/self/comm").read_text())
"""


def said(title: str) -> subprocess.CompletedProcess[str]:
    """Run a process that calls itself so; its last argument is `template`."""
    command = [sys.executable, "-c", _ASK.format(title=title), "worker", "template"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_last_argument_is_replaced() -> None:
    """By one as long, or by a shorter one and zeros."""
    assert said("resolver").stdout == "[b'worker', b'resolver', b''] resolver\n\n"
    assert said("relay").stdout == "[b'worker', b'relay', b'', b'', b'', b''] relay\n\n"


def test_a_longer_one_is_refused() -> None:
    """What lies behind the arguments is the environment."""
    assert "ValueError" in said("a-longer-word").stderr
