"""What a start says while it starts."""

import contextlib
import io

import pytest

from cli.run.steps import Steps


class Terminal(io.StringIO):
    """Standard output that is one."""

    def isatty(self) -> bool:
        return True


def test_elsewhere_each_step_is_a_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    """In a log or a pipe nothing is taken back."""
    with Steps() as steps:
        steps.say("one")
        steps.say("two")
    assert capsys.readouterr().out == "one\ntwo\n"


def test_on_a_terminal_the_line_is_replaced_and_gone_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where the start failed: the error has a line of its own."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    with contextlib.suppress(KeyError), Steps() as steps:
        steps.say("one")
        steps.say("two")
        raise KeyError
    assert "\n" not in terminal.getvalue()
    assert terminal.getvalue().split("\r\x1b[K") == ["", "one …", "two …", ""]
