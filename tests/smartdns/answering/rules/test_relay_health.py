"""Which relays are answered with."""

import ipaddress

from smartdns.answering.rules.relay_health import RelayHealth, relays_to_answer

FIRST, SECOND, SIXTH = (
    ipaddress.ip_address(text) for text in ("192.0.2.1", "192.0.2.2", "2001:db8::6")
)


def down() -> RelayHealth:
    """Give a relay that has left."""
    health = RelayHealth()
    for now in (0.0, 5.0):
        health.checked(accepts=False, now=now)
    return health


def test_one_failed_check_is_not_enough() -> None:
    """A relay leaves at the second failure in a row."""
    health = RelayHealth()
    assert not health.checked(accepts=False, now=0.0)
    assert not health.checked(accepts=True, now=5.0)
    assert not health.checked(accepts=False, now=10.0)
    assert health.up
    assert health.checked(accepts=False, now=15.0)
    assert not health.up


def test_it_comes_back_after_ten_good_seconds() -> None:
    """Back, but not at the first sign of life."""
    health = down()
    assert not health.checked(accepts=True, now=10.0)
    assert not health.checked(accepts=True, now=15.0)
    assert health.checked(accepts=True, now=20.0)
    assert health.up


def test_flapping_is_damped() -> None:
    """Who leaves again and again changes the answers less and less often."""
    health = RelayHealth()
    # Two failures, then four good checks, over and over.
    changes = sum(
        health.checked(accepts=second % 30 >= 10, now=float(second)) for second in range(0, 3600, 5)
    )
    assert changes < 12


def test_what_was_long_ago_is_forgotten() -> None:
    """A relay that was good for ten minutes has a clean record."""
    health = down()
    for second in range(10, 900, 5):
        health.checked(accepts=True, now=float(second))
    for second in (900, 905):
        health.checked(accepts=False, now=float(second))
    assert not health.up
    for second in (910, 915, 920):
        health.checked(accepts=True, now=float(second))
    assert health.up


def test_a_relay_that_is_down_leaves_its_regions_answers() -> None:
    """While another one of the region is up, whatever its family."""
    relays = {"us": (FIRST, SECOND, SIXTH)}
    health = {FIRST: down(), SECOND: RelayHealth(), SIXTH: down()}
    answered = relays_to_answer(relays, health)["us"]
    assert answered.ipv4 == (SECOND.packed,)
    assert answered.ipv6 == ()


def test_when_all_are_down_all_are_answered() -> None:
    """Nothing better is known, and the checks may be wrong."""
    relays = {"us": (FIRST, SECOND)}
    answered = relays_to_answer(relays, {FIRST: down(), SECOND: down()})["us"]
    assert answered.ipv4 == (FIRST.packed, SECOND.packed)
