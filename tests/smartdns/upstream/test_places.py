"""Places: one network takes a third of what is free, and so some are left for every other."""

from hypothesis import given
from hypothesis import strategies as st

from smartdns.upstream.places import NOBODY, Places


def _filled(places: Places, network: bytes, most: int) -> int:
    """Take as many as the network may; give how many."""
    taken = 0
    while places.has_room(network, most - len(places)):
        places.take(network)
        taken += 1
    return taken


@given(most=st.integers(500, 3_000), networks=st.integers(1, 8))
def test_one_more_network_always_finds_a_place(most: int, networks: int) -> None:
    """However many others took all they may, while any place is left."""
    places = Places()
    for number in range(networks):
        _filled(places, bytes([1, number]), most)
    assert len(places) < most
    assert places.has_room(b"another", most - len(places))


def test_one_network_takes_a_quarter_where_nobody_else_is() -> None:
    """A third of what is then still free."""
    assert _filled(Places(), b"one", 2_000) == 500


def test_questions_of_our_own_count_against_nobody() -> None:
    """They take any place that is free."""
    assert _filled(Places(), NOBODY, 100) == 100


def test_what_was_given_back_is_forgotten() -> None:
    """Nothing says that a network ever waited."""
    places = Places()
    places.take(b"one")
    places.give_back(b"one")
    assert len(places) == 0
    assert not places._waiting
