"""A progress bar on standard error, where somebody is watching."""

import sys
from contextlib import AbstractContextManager
from typing import Any

import click


def progress(length: int, label: str) -> AbstractContextManager[Any]:
    """Bar for `length` steps; its `update(n)` advances it. Silent without a terminal."""
    watched = sys.stderr.isatty()
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=not watched)
