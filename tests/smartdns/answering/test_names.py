"""Names in wire form."""

import pytest
from hypothesis import given

from smartdns.answering.names import (
    ROOT,
    below,
    first_label,
    name_of,
    parent,
    suffixes,
)
from smartdns.answering.query import Name
from tests.smartdns.wire.strategies import names, to_dnspython


def test_a_plain_name() -> None:
    """Lower-cased, with or without the last dot."""
    assert name_of("WWW.Example.com.") == name_of("www.example.com") == b"\3www\7example\3com\0"


@pytest.mark.parametrize("text", ["", "a..b", "a" * 64, ".".join(["a" * 63] * 4)])
def test_what_is_no_name(text: str) -> None:
    """Empty and overlong labels, and names over 255 octets."""
    with pytest.raises(ValueError, match="takes"):
        name_of(text)


@given(names)
def test_suffixes_are_those_of_dnspython(name: Name) -> None:
    """The name, then each parent, and not the root; whatever octets are in the labels."""
    expected = []
    rest = to_dnspython(name)
    while len(rest) > 1:
        expected.append(rest.to_wire())
        rest = rest.parent()
    assert list(suffixes(name)) == expected


@given(names)
def test_parent_and_first_label(name: Name) -> None:
    """Together they are the name again."""
    label = first_label(name)
    if name == ROOT:
        assert (label, parent(name)) == (b"", ROOT)
    else:
        assert bytes((len(label),)) + label + parent(name) == name


def test_the_longest_suffix_counts() -> None:
    """By label boundary, and the root is above nothing."""
    suffix, longer = name_of("example.com"), name_of("a.example.com")
    assert below(name_of("b.a.example.com"), {suffix, longer}) == longer
    assert below(name_of("notexample.com"), {suffix}) is None
    assert below(name_of("example.com"), {ROOT}) is None
