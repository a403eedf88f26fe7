"""Sealed values: for one purpose, one owner, a limited time and, where wished, one use."""

import pytest

from registry.web.seal import Seal, SealError

CONTENT = {"address": "203.0.113.7"}
SECRET = "0123456789abcdef" * 2


class Made:
    """A seal with a clock and a memory of what was spent."""

    def __init__(self, secret: str = SECRET) -> None:
        self.now = 1_800_000_000.0
        self.spent: set[str] = set()
        self.seal = Seal(secret, self._spend, lambda: self.now)

    def _spend(self, number: str) -> bool:
        first = number not in self.spent
        self.spent.add(number)
        return first


@pytest.fixture
def made() -> Made:
    """One of a registry."""
    return Made()


def test_what_was_sealed_comes_out_and_cannot_be_read(made: Made) -> None:
    """The same content never gives the same seal."""
    sealed = made.seal.close("sighting", "anna", CONTENT)
    assert made.seal.open("sighting", "anna", sealed, 60) == CONTENT
    assert "203.0.113.7" not in sealed
    assert made.seal.close("sighting", "anna", CONTENT) != sealed


def test_another_registry_with_the_same_secret_opens_it(made: Made) -> None:
    """A visitor may come to another one meanwhile; without the secret it is of no use."""
    sealed = made.seal.close("sighting", "anna", CONTENT)
    assert Made().seal.open("sighting", "anna", sealed, 60) == CONTENT
    with pytest.raises(SealError, match="not one of our seals"):
        Made("another secret").seal.open("sighting", "anna", sealed, 60)


def test_it_is_for_one_purpose_and_one_owner(made: Made) -> None:
    """A seal that somebody else obtained opens nothing."""
    sealed = made.seal.close("sighting", "anna", CONTENT)
    with pytest.raises(SealError, match="not one of our seals"):
        made.seal.open("undo", "anna", sealed, 60)
    with pytest.raises(SealError, match="another owner"):
        made.seal.open("sighting", "bert", sealed, 60)


def test_it_ages(made: Made) -> None:
    """By the clock of the registry that opens it."""
    sealed = made.seal.close("sighting", "anna", CONTENT)
    made.now += 60
    assert made.seal.open("sighting", "anna", sealed, 60) == CONTENT
    made.now += 1
    with pytest.raises(SealError, match="too old"):
        made.seal.open("sighting", "anna", sealed, 60)


def test_it_is_used_once_where_that_is_wished(made: Made) -> None:
    """Looking at it does not use it, and a wrong attempt does not either."""
    sealed = made.seal.close("undo", "anna", CONTENT)
    assert made.seal.open("undo", "anna", sealed, 60) == CONTENT
    with pytest.raises(SealError):
        made.seal.open_once("undo", "bert", sealed, 60)
    assert made.seal.open_once("undo", "anna", sealed, 60) == CONTENT
    with pytest.raises(SealError, match="used before"):
        made.seal.open_once("undo", "anna", sealed, 60)


@pytest.mark.parametrize("sealed", ["", "x", "é", "gAAAAA", "gAAAAABl" + "A" * 100])
def test_what_is_none_is_refused_without_repeating_it(made: Made, sealed: str) -> None:
    """Whatever a browser sends."""
    with pytest.raises(SealError) as refused:
        made.seal.open("undo", "anna", sealed, 60)
    assert not sealed or sealed not in str(refused.value)


def test_a_changed_octet_is_noticed(made: Made) -> None:
    """Anywhere in it."""
    sealed = made.seal.close("undo", "anna", CONTENT)
    for place in range(0, len(sealed) - 4, 7):
        changed = sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
        with pytest.raises(SealError):
            made.seal.open("undo", "anna", changed, 60)
