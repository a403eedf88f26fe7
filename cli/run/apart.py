"""Doing something in a process of its own, which ends with it, and so does what it loaded."""

import os
from collections.abc import Callable

from smartdns.process.title import set_title


class FailedApartError(Exception):
    """It was not done; the text is a line for people."""


def run_apart(title: str, deed: Callable[[], None], line: Callable[[Exception], str]) -> None:
    """Do it in a fork, and wait; FailedApartError with the `line` of what it raised there.

    For a process without threads, before it opens anything that a fork must not share.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _do(title, deed, line, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        failure = said.read().decode()
    _, status = os.waitpid(child, 0)
    if status:
        raise FailedApartError(failure or f"{title} was ended by the system")


def _do(
    title: str, deed: Callable[[], None], line: Callable[[Exception], str], writing: int
) -> None:
    """Be the fork: nothing of the parent's is run after it."""
    status = 1
    try:
        set_title(title)
        deed()
        status = 0
    except Exception as error:  # noqa: BLE001 - the parent says it
        os.write(writing, line(error).encode())
    finally:
        os._exit(status)
