"""Which exceptions are shown to people as one line."""

import importlib

import pytest

from cli.errors import FOR_PEOPLE, is_for_people


@pytest.mark.parametrize(("module", "name"), FOR_PEOPLE)
def test_every_exception_of_the_list_exists_and_is_for_people(module: str, name: str) -> None:
    """They are named by texts, so a renamed one would turn into a traceback unnoticed."""
    kind = getattr(importlib.import_module(module), name)
    assert issubclass(kind, Exception)
    assert is_for_people(kind.__new__(kind))


def test_others_are_faults_of_the_program() -> None:
    """Their text may hold anything."""
    assert not is_for_people(ValueError("203.0.113.7"))
