"""The command itself: help, wrong use, and faults in one line."""

import subprocess
import sys
from importlib.metadata import version

import pytest
from click.testing import CliRunner

from cli import main
from smartdns.build import build


@pytest.mark.processes
def test_help_names_every_command_without_loading_one() -> None:
    """`--help` is instant: nothing of the planes is imported for it."""
    code = (
        "import sys; from cli.main import mediastreamer\n"
        "mediastreamer.main(['--help'], standalone_mode=False)\n"
        "print(sorted({'twisted', 'sqlalchemy', 'flask', 'redis'} & set(sys.modules)))"
    )
    output = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert output.endswith("[]\n")
    assert all(name in output for name, (_, _, line) in main.COMMANDS.items() if line)


def test_the_version_says_which_build_runs() -> None:
    """One word of it."""
    result = CliRunner().invoke(main.mediastreamer, ["--version"])
    assert result.exit_code == 0
    assert result.output == f"mediastreamer {version('mediastreamer')} {build()}\n"


def test_an_unknown_command_is_wrong_use() -> None:
    """Exit status 2, and the message names what was not understood."""
    result = CliRunner().invoke(main.mediastreamer, ["frobnicate"])
    assert result.exit_code == 2
    assert "frobnicate" in result.output


@pytest.mark.processes
def test_an_unforeseen_fault_shows_where_and_no_value() -> None:
    """The values in a traceback may be people's addresses; its place is enough to find it."""
    code = (
        "from cli import main\n"
        "def fail(**_): raise KeyError('203.0.113.77')\n"
        "main.mediastreamer.main = fail\nmain.main()"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 1
    assert "KeyError at" in finished.stderr
    assert "203.0.113.77" not in finished.stderr
    assert finished.stderr.count("\n") == 1
