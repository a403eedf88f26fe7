"""The number of examples follows the profile, whatever a test asks for."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.profiles import CI, DEV, USUAL, examples


@pytest.mark.parametrize(
    ("profile", "asked", "tried"),
    [(CI, 300, 300), (DEV, 300, 60), (DEV, USUAL, 20), (CI, 10, 10), (DEV, 10, 5)],
)
def test_a_profile_scales_what_a_test_asks_for(profile: str, asked: int, tried: int) -> None:
    """All of it in CI, a fifth at the desk, and never so few that nothing is tried."""
    assert examples(asked, profile) == tried


def test_an_unknown_profile_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt one would try few examples in CI, and nobody would see it."""
    monkeypatch.setenv("HYPOTHESIS_PROFILE", "cl")
    with pytest.raises(ValueError, match="HYPOTHESIS_PROFILE=cl: there are ci, dev"):
        examples(1)


def test_no_profile_has_a_deadline() -> None:
    """An example may be as slow as the machine."""
    for profile in (CI, DEV):
        loaded = settings.get_profile(profile)
        assert loaded.deadline is None
        assert loaded.max_examples == examples(USUAL, profile)


def test_a_test_without_a_number_takes_the_profiles() -> None:
    """The profile is loaded before tests are imported."""
    tried = []

    @given(st.integers())
    def property_of_integers(number: int) -> None:
        tried.append(number)

    property_of_integers()
    assert len(tried) == examples(USUAL)
