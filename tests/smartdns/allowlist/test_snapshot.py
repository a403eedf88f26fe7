"""A reading of all grants that others change meanwhile: what counts, and what makes it void."""

import ipaddress

import pytest

from smartdns.allowlist.snapshot import Snapshot
from smartdns.contract.grants import GrantChange, Head, Profile
from tests.smartdns.allowlist.by_hand import DAY, HOME

NETWORK = ipaddress.ip_network(HOME)
ADDRESS = NETWORK.network_address.packed


def change(epoch: int, position: int, profile: Profile | None) -> GrantChange:
    """Change the home's grant."""
    return GrantChange(Head(epoch, position), NETWORK, profile)


def test_changes_heard_since_are_applied_in_order_over_what_was_read() -> None:
    """Piece by piece; the last word is the last change's, whatever the scan had seen of it."""
    snapshot = Snapshot(Head(1, 5), size=1)
    for position, profile in ((6, Profile("gb")), (7, None), (8, Profile("fr"))):
        snapshot.hear(change(1, position, profile))
    snapshot.read([HOME.encode(), b"region=us"])
    assert (snapshot.head, snapshot.void) == (Head(1, 8), False)
    assert [snapshot.catch_up(2), snapshot.catch_up(2)] == [True, False]
    assert snapshot.grants.lookup(ADDRESS, DAY) == Profile("fr")


@pytest.mark.parametrize(
    "message", [change(1, 5, None), change(1, 3, None), Head(1, 5), Head(1, 2), Head(0, 9)]
)
def test_what_came_before_is_passed_over(message: GrantChange | Head) -> None:
    """The scan has seen it, so it neither counts again nor makes it void."""
    snapshot = Snapshot(Head(1, 5), size=1)
    snapshot.hear(message)
    snapshot.read([HOME.encode(), b"region=us"])
    assert not snapshot.catch_up(10)
    assert (snapshot.head, snapshot.void) == (Head(1, 5), False)
    assert snapshot.grants.lookup(ADDRESS, DAY) == Profile("us")


@pytest.mark.parametrize(
    "message", [change(1, 7, None), change(2, 6, None), Head(2, 5), Head(1, 6)]
)
def test_a_lost_message_or_a_rebuild_makes_it_void(message: GrantChange | Head) -> None:
    """Something was published in between that nobody told us, so nothing of it can be taken."""
    snapshot = Snapshot(Head(1, 5), size=1)
    snapshot.hear(message)
    assert (snapshot.head, snapshot.void) == (Head(1, 5), True)
