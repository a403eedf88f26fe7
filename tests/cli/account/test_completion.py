from collections.abc import Callable
from typing import Any

import pytest
from click.shell_completion import ShellComplete

from cli.main import mediastreamer

Report = Callable[..., Any]


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
