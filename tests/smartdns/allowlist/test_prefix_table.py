"""The table that holds a million networks: against a dictionary, in size, and from two threads."""

import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartdns.allowlist.grant_table import GrantTable
from smartdns.allowlist.prefix_table import FIRST_NUMBER, PrefixTable

NUMBERS = st.integers(FIRST_NUMBER, 2**32 - 1)


@given(st.lists(st.tuples(st.integers(0, 40), st.none() | NUMBERS)), st.sampled_from([4, 8, 16]))
def test_any_history_gives_what_a_dictionary_gives(
    history: list[tuple[int, int | None]], width: int
) -> None:
    """Put, put again, take out, put back: each says what was there before."""
    table, model = PrefixTable(width), dict[bytes, int]()
    for small, number in history:
        key = small.to_bytes(width, "big")
        if number is None:
            assert table.remove(key) == model.pop(key, 0)
        else:
            assert table.put(key, number) == model.get(key, 0)
            model[key] = number
    assert all(table.find(key) == number for key, number in model.items())
    assert table.find(b"\xff" * width) == 0
    assert len(table) == len(model)


@pytest.mark.parametrize("width", [4, 8, 16])
@pytest.mark.parametrize("expected", [0, 30_000])
def test_growing_and_churning_loses_nothing(width: int, expected: int) -> None:
    """Segments are copied and split many times over; removed keys leave no trace."""
    table, chance = PrefixTable(width, expected), random.Random(width)  # noqa: S311
    model: dict[bytes, int] = {}
    for step in range(60_000):
        key = chance.getrandbits(16).to_bytes(width, "little")
        if step % 3 == 2:
            assert table.remove(key) == model.pop(key, 0)
        else:
            table.put(key, step + FIRST_NUMBER)
            model[key] = step + FIRST_NUMBER
    assert len(table) == len(model)
    keys = (number.to_bytes(width, "little") for number in range(1 << 16))
    assert all(table.find(key) == model.get(key, 0) for key in keys)


@pytest.mark.parametrize(("width", "most"), [(4, 16.5), (8, 24.5)])
def test_an_address_takes_at_most_25_octets(width: int, most: float) -> None:
    """Whatever the number of networks, grown one by one or all at once."""
    chance = random.Random(1)  # noqa: S311
    for count in (20_000, 27_000, 38_000):
        keys = [chance.randbytes(width) for _ in range(count)]
        grown, at_once = PrefixTable(width), PrefixTable(width, count)
        for key in keys:
            grown.put(key, 5)
            at_once.put(key, 5)
        for table in (grown, at_once):
            octets = sum(len(segment.memory) for segment in table.segments())
            assert octets / count < most


def test_no_memory_is_taken_before_it_is_needed() -> None:
    """Expecting a million networks takes a directory; their pages come with them."""
    table = PrefixTable(8, 1_000_000)
    assert sum(len(segment.memory) for segment in table.segments()) < 100
    table.put(b"12345678", 9)
    assert table.find(b"12345678") == 9


def test_a_look_up_beside_a_change_sees_what_was_or_what_is() -> None:
    """While one thread alters a network's profile and churns others, another asks all the time."""
    table = GrantTable()
    home, day = b"\xc0\x00\x02\x01", 740_000
    table.put(home, 32, b"region=aa")
    wrong: list[object] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            found = table.lookup(home, day)
            if found is None or found.region not in {"aa", "bb"}:
                wrong.append(found)
            if table.lookup(b"\xff\xff\xff\xff", day) is not None:
                wrong.append("a stranger")

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for number in range(40_000):
            table.put(home, 32, (b"region=aa", b"region=bb")[number % 2])
            other = number.to_bytes(4, "big")
            table.put(other, 32, b"until=2026-01-%02d" % (number % 28 + 1))
            if number % 3:
                table.remove(other, 32)
    finally:
        done.set()
        asking.join()
    assert not wrong
