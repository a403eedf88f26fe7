"""How an upstream's health is measured, and what follows from it."""

from smartdns.upstream.health import Health, order_of_asking


def measured(round_trip: float) -> Health:
    """Give an upstream that has answered at this speed for a while."""
    health = Health()
    for _ in range(20):
        health.answered(round_trip, 100.0)
        health.asked(100.0)
    return health


def failing(times: int, now: float) -> Health:
    """Give an upstream that left so many queries in a row unanswered."""
    health = measured(0.01)
    for _ in range(times):
        health.failed(now)
    return health


def test_the_faster_upstream_is_asked_first() -> None:
    """Measured round trips decide, and the operator's order among equals."""
    assert order_of_asking([measured(0.2), measured(0.01)], 100.0)[0] == [1, 0]
    assert order_of_asking([measured(0.012), measured(0.010)], 100.0)[0] == [0, 1]


def test_one_that_fails_is_asked_last() -> None:
    """Three unanswered queries in a row, and the slower one goes first."""
    assert order_of_asking([failing(2, 100.0), measured(0.3)], 100.0)[0] == [0, 1]
    assert order_of_asking([failing(3, 100.0), measured(0.3)], 100.0)[0] == [1, 0]


def test_one_that_fails_is_tried_again_beside_another() -> None:
    """It gets a trial a second later, one question at a time, and an answer makes it well."""
    bad = failing(3, 100.0)
    good = measured(0.3)
    assert order_of_asking([bad, good], 100.5)[1] is None
    assert order_of_asking([bad, good], 101.5)[1] == 0
    bad.begin_trial(101.5)
    assert order_of_asking([bad, good], 101.6)[1] is None
    bad.answered(0.01, 101.6)
    assert bad.well()


def test_the_longer_it_fails_the_rarer_the_trials() -> None:
    """Trials become as rare as one in half a minute, and not rarer."""
    bad = failing(50, 100.0)
    assert not bad.trial_is_due(129.0)
    assert bad.trial_is_due(131.0)


def test_one_not_asked_for_long_is_measured_again() -> None:
    """A slow upstream may have become the fast one; now and then that is found out."""
    slow, fast = measured(0.3), measured(0.01)
    assert order_of_asking([fast, slow], 120.0)[1] is None
    fast.asked(170.0)
    assert order_of_asking([fast, slow], 170.0)[1] == 1


def test_patience_follows_the_round_trip_within_bounds() -> None:
    """Somebody else is asked after what is unusual for this upstream; 0.2 to 1 second."""
    assert Health().patience() == 0.4
    assert measured(0.001).patience() == 0.2
    assert 0.3 <= measured(0.3).patience() < 0.5
    assert measured(3.0).patience() == 1.0


def test_one_name_that_cannot_be_resolved_kills_no_upstream() -> None:
    """Dead is who answered nothing at all for a while, not who failed at a few questions."""
    health = failing(9, 100.0)
    assert not health.dead(200.0)
    for moment in range(100):
        health.failed(100.0 + moment)
    assert health.dead(200.0)
    health.answered(0.1, 200.0)
    assert not health.dead(200.0)


def test_one_that_leads_back_to_us_is_never_asked() -> None:
    """A loop is no upstream."""
    looped = measured(0.001)
    looped.looped = True
    assert order_of_asking([looped, measured(0.1)], 100.0) == ([1], None)
    assert looped.dead(100.0)


def test_one_that_is_always_outrun_falls_behind() -> None:
    """Waiting for it in vain counts as the time that was waited."""
    outrun = measured(0.01)
    for _ in range(20):
        outrun.outrun(0.4)
    assert outrun.rank() > measured(0.2).rank()
    assert outrun.well()


def test_plain_case_is_remembered_for_an_hour() -> None:
    """An upstream that does not keep case is not asked in mixed case at every turn."""
    health = Health()
    health.case_lost(100.0)
    assert not health.keeps_case(3600.0)
    assert health.keeps_case(3701.0)
