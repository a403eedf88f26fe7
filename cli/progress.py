"""A progress bar on standard error, if it is a terminal."""

import sys
from contextlib import AbstractContextManager
from typing import Any

import click


def progress(length: int, label: str) -> AbstractContextManager[Any]:
    """Make a bar for `length` steps; `update(n)` advances it. Without a terminal it is silent."""
    watched = sys.stderr.isatty()
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=not watched)
