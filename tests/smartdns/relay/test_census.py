"""Connections are counted for each network and in all."""

from smartdns.relay.admission import RelayLimits
from smartdns.relay.census import Census

ONE, OTHER = b"one", b"other"


def test_connections_are_counted_for_each_network_and_in_all() -> None:
    """One network cannot take everything, and who has left leaves nothing behind."""
    census: Census[int] = Census(RelayLimits(connections=3, connections_per_client=2))
    for number in (1, 2):
        assert census.has_room(ONE)
        census.enter(ONE, number)
    assert not census.has_room(ONE)
    assert census.has_room(OTHER)
    assert not census.full
    census.enter(OTHER, 3)
    assert census.full
    assert sorted(census) == [1, 2, 3]
    assert sorted(census.largest()) == [1, 2]
    for network, number in ((ONE, 1), (ONE, 2), (OTHER, 3)):
        census.leave(network, number)
    assert census.total == 0
    assert census._members == {}
    assert not census.largest()


def test_connections_may_end_while_one_goes_through_them() -> None:
    """As those of a household that was removed do."""
    census: Census[int] = Census(RelayLimits())
    for number in range(5):
        census.enter(ONE, number)
    for number in census:
        census.leave(ONE, number)
    assert census.total == 0
