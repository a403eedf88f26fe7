"""Groups whose commands are imported when they are called."""

import os
import subprocess
import sys

import click
import pytest

from cli import account, main
from cli.lazy_group import LazyGroup, Table

GROUPS = {"mediastreamer": main.mediastreamer, "account": account.account}
_HEAVY = {"twisted", "sqlalchemy", "flask", "redis", "cryptography"}


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_each_command_of_a_table_is_there(group: click.Group) -> None:
    """Under its name, and only what has a line is shown."""
    context = click.Context(group)
    assert isinstance(group, LazyGroup)
    for name in group._table:
        command = group.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert command.hidden is (name not in group.list_commands(context))
    assert group.get_command(context, "frobnicate") is None


@pytest.mark.parametrize(
    "words",
    [
        "mediastreamer ", "mediastreamer acc", "mediastreamer account ", "mediastreamer account se",
        "mediastreamer account set --re", "mediastreamer account add --region u",
        "mediastreamer address list --", "mediastreamer allowlist st", "mediastreamer up --work",
        "mediastreamer privacy audit --", "mediastreamer database re", "mediastreamer zones ex",
        "mediastreamer account list --", "mediastreamer doctor --", "mediastreamer resolver --",
    ],
)  # fmt: skip
@pytest.mark.processes
def test_completion_loads_nothing_heavy(words: str) -> None:
    """Whoever presses TAB waits for it."""
    code = (
        "import sys\nfrom cli.main import mediastreamer\n"
        "try: mediastreamer.main(prog_name='mediastreamer')\n"
        f"finally: print(sorted({_HEAVY} & set(sys.modules)))"
    )
    completing = {
        "_MEDIASTREAMER_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    said = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **completing},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.stderr == ""
    *completions, loaded = said.stdout.splitlines()
    assert completions
    assert loaded == "[]"


def test_help_shows_the_lines_of_the_table() -> None:
    """Without importing what does not exist."""
    table: Table = {"one": ("no.such.module", "one", "The first."), "two": ("no.such", "two", "")}
    group = LazyGroup(name="group", table=table)
    assert "one  The first." in group.get_help(click.Context(group))
    assert "two" not in group.get_help(click.Context(group))
