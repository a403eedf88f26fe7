"""The place of a fault is a line of ours, whatever library has raised the error."""

import re

import pytest

from registry.faults import place_of
from smartdns.contract.addresses import parse_address, parse_network


def raised(text: str) -> BaseException:
    """Give an error that a function of ours has raised."""
    with pytest.raises(ValueError, match="not a") as caught:
        parse_address(text)
    return caught.value


def test_the_innermost_frame_of_ours_is_named() -> None:
    """Module and line; nothing of the text that could not be read."""
    place = place_of(raised("canary.example.com"))
    assert re.fullmatch(r"smartdns\.contract\.addresses:\d+", place)


def test_a_librarys_frame_is_not() -> None:
    """The line of ours that called it is."""
    with pytest.raises(TypeError) as caught:
        parse_network(b"canary")  # type: ignore[arg-type]
    assert place_of(caught.value).startswith("smartdns.contract.addresses:")
    assert place_of(ValueError("never raised")) == "an unknown place"
