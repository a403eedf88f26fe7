"""Names in a message: read strictly, with bounded work, and written compressed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartdns.wire.names import (
    UNREADABLE,
    Known,
    MalformedError,
    Targets,
    end_of_labels,
    question_targets,
    read_name,
    write_name,
)
from tests.smartdns.wire.strategies import wire_names


@given(st.lists(wire_names, max_size=20))
def test_what_is_written_is_read_the_same(names: list[bytes]) -> None:
    """Compressed or not, with one dictionary for all or with one for each."""
    message, targets, places = bytearray(12), Targets(), []
    for name in names:
        start = len(message)
        write_name(message, name, targets)
        places.append((name, start, len(message)))
    known: Known = {}
    for name, start, end in places:
        assert read_name(bytes(message), start, known) == (name, end)
        assert read_name(bytes(message), start, {}) == (name, end)


@given(wire_names)
def test_the_question_can_be_pointed_to_from_each_of_its_labels(name: bytes) -> None:
    """Whole, or any part of it, but the root, which is shorter than a pointer."""
    targets = question_targets(name.lower())
    assert all(name.lower()[at - 12 :] == suffix for suffix, at in targets.items())
    message = bytearray(12) + name
    write_name(message, name.lower(), targets)
    assert message[12 + len(name) :] == (b"\xc0\x0c" if len(name) > 1 else b"\0")


def test_a_run_of_labels_has_an_end() -> None:
    """255 octets with the root's; one more is no name, however long the message is."""
    assert end_of_labels(b"\1a" * 127 + b"\0", 0) == 254
    with pytest.raises(MalformedError):
        end_of_labels(b"\1a" * 128 + b"\0", 0)
    with pytest.raises(IndexError):
        end_of_labels(b"\3ww", 0)
    assert end_of_labels(b"\1a\x40a\0", 0) == 2


@pytest.mark.parametrize(
    ("octets", "start"),
    [
        (b"\xc0\0", 0),
        (b"\1a\xc0\0", 0),
        (b"\xc0\2\xc0\0", 2),
        (b"\1a\xc0\4\xc0\0", 4),
        (b"\1a\0\xc0\5\0", 3),
        (b"\x40a\0", 0),
        (b"\1a\x80\0", 0),
        (b"\1a\xc0", 0),
        (b"\0\xc0", 1),
        (b"\1a" * 100 + b"\0" + b"\1a" * 30 + b"\xc0\0", 201),
        (b"\0" + b"".join(bytes((0xC0, 2 * n - 1 if n else 0)) for n in range(40)), 79),
    ],
)
def test_a_wrong_pointer_is_refused(octets: bytes, start: int) -> None:
    """To itself, in a circle, forwards, of another type, cut short, to too much, by too many."""
    with pytest.raises(UNREADABLE):
        read_name(octets, start, {})
