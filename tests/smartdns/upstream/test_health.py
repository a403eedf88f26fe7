"""How an upstream's health is measured and judged, and what follows from it."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartdns.upstream.health import Health, order_of_asking

LOOK_EVERY_S = 0.25
PROBE_LASTS_S = 2.5


def measured(round_trip: float) -> Health:
    """Give an upstream that has answered at this speed for a while."""
    health = Health()
    for _ in range(20):
        health.answered(round_trip, 100.0)
        health.asked(100.0)
        health.answered(round_trip, 100.0)
    return health


def without_probes(lost: int, begun: float = 100.0) -> Health:
    """Give an upstream that was quick, and lost so many probes, one a second."""
    health = measured(0.01)
    for number in range(lost):
        health.probe_begun(begun + number)
        health.probe_lost(begun + number + 0.1)
    return health


def moments(begin: float, end: float) -> Iterator[float]:
    """Give the times at which a watcher looks."""
    yield from (begin + number * LOOK_EVERY_S for number in range(int((end - begin) / 0.25)))


class Watched:
    """An upstream in imagined time: a question is asked at each look, probes as they are due."""

    def __init__(
        self,
        *,
        answers: Callable[[float], bool] = lambda _: True,
        names_answered: Callable[[float], bool] = lambda _: False,
        fails: bool = True,
    ) -> None:
        """`answers` says when it replies to probes, `names_answered` when to questions.

        `fails`: a question that gets no reply is known to have failed.
        """
        self.health = measured(0.01)
        self.probes: list[float] = []
        self._answers, self._names_answered, self._fails = answers, names_answered, fails
        self._under_way: list[float] = []

    def look(self, now: float) -> None:
        """Let what happens at `now` happen."""
        for begun in [each for each in self._under_way if now >= each + PROBE_LASTS_S]:
            self._under_way.remove(begun)
            self.health.probe_lost(begun)
        self.health.asked(now)
        if self._names_answered(now):
            self.health.answered(0.01, now + 0.01)
        elif self._fails:
            self.health.failed(now)
        if self.health.probe_is_due(now):
            self.probes.append(now)
            self.health.probe_begun(now)
            if self._answers(now):
                self.health.heard(now + 0.01)
            else:
                self._under_way.append(now)

    def until(self, end: float, begin: float = 200.0) -> "Watched":
        """Let time go on."""
        for now in moments(begin, end):
            self.look(now)
        return self


def test_the_quicker_upstream_is_asked_first() -> None:
    """Measured round trips decide, and the operator's order among equals."""
    assert order_of_asking([measured(0.2), measured(0.01)], 100.0)[0] == [1, 0]
    assert order_of_asking([measured(0.012), measured(0.010)], 100.0)[0] == [0, 1]


@pytest.mark.parametrize(
    ("lost", "now", "order"),
    [
        (0, 110.0, [0, 1]),  # nothing is known against it
        (1, 101.0, [1, 0]),  # doubted
        (2, 110.0, [1, 0]),
        (3, 103.0, [1, 0]),  # many were lost, in a short time
        (3, 104.2, [1]),  # dead
    ],
)
def test_lost_probes_decide_who_is_asked(lost: int, now: float, order: list[int]) -> None:
    """The doubted after the others; the dead not at all, where somebody else lives."""
    assert order_of_asking([without_probes(lost), measured(0.3)], now)[0] == order


def test_where_all_are_dead_all_are_asked() -> None:
    """Should probes be what an upstream does not answer, its answers to questions revive it."""
    both = [without_probes(3), without_probes(4)]
    assert order_of_asking(both, 110.0) == ([0, 1], None)
    both[1].answered(0.01, 110.0)
    assert order_of_asking(both, 110.0)[0] == [1]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["asked", "failed", "outrun"]),
            st.floats(0.0, 5.0),
            st.floats(0.0, 400.0),
        ),
        max_size=80,
    )
)
def test_questions_alone_never_make_it_doubted_or_dead(
    events: list[tuple[str, float, float]],
) -> None:
    """Whatever becomes of them, and however many: only probes do."""
    health, now = measured(0.01), 100.0
    for kind, waited, later in events:
        now += later
        if kind == "outrun":
            health.outrun(waited)
        else:
            getattr(health, kind)(now)
        assert not health.doubted
        assert not health.dead(now)
        assert not health.rank()[0]


@given(
    st.lists(st.sampled_from(["asked", "failed", "begun", "lost"]), max_size=60),
    st.sampled_from(["answered", "heard"]),
)
def test_any_reply_clears_all(events: list[str], reply: str) -> None:
    """To a probe or to a question: it answers, its probes are as rare as ever."""
    health, now, begun = measured(0.01), 100.0, 100.0
    for kind in events:
        now += 0.3
        if kind == "begun":
            begun = now
            health.probe_begun(now)
        elif kind == "lost":
            health.probe_lost(begun)
        else:
            getattr(health, kind)(now)
    health.probe_begun(now)
    if reply == "answered":
        health.answered(0.01, now + 0.1)
    else:
        health.heard(now + 0.1)
    assert not health.doubted
    assert not health.dead(now + 0.1)
    assert not health.probe_is_due(now + 299.0)


def test_a_probe_that_was_lost_counts_not_against_a_later_reply() -> None:
    """It answered a question after the probe was sent."""
    health = measured(0.01)
    health.probe_begun(200.0)
    health.answered(0.01, 201.0)
    health.probe_lost(200.0)
    assert not health.doubted


@pytest.mark.parametrize("fails", [True, False])
def test_silent_names_change_nothing_but_the_probes(fails: bool) -> None:
    """An upstream that leaves names unanswered, but no probe, is asked and waited for as ever."""
    watched = Watched(fails=fails)
    rank, patience = watched.health.rank(), watched.health.patience()
    for now in moments(200.0, 260.0):
        watched.look(now)
        assert not watched.health.doubted
        assert (watched.health.rank(), watched.health.patience()) == (rank, patience)
    assert 30 <= len(watched.probes) <= 60


def test_a_silent_zone_leaves_two_upstreams_in_their_order() -> None:
    """Neither is shunned in turn, and no question is spent on trials."""
    both = [Watched(), Watched()]
    healths = [each.health for each in both]
    trials = 0
    for now in moments(200.0, 320.0):
        for each in both:
            each.look(now)
        order, trial = order_of_asking(healths, now)
        assert order == [0, 1]
        trials += trial is not None
    assert trials == 0


@pytest.mark.parametrize("fails", [True, False])
def test_one_that_went_away_is_dead_in_about_six_seconds(fails: bool) -> None:
    """Doubted when the first probe is lost; dead when three are."""
    watched = Watched(answers=lambda _: False, fails=fails)
    doubted = dead = None
    for now in moments(200.0, 215.0):
        watched.look(now)
        doubted = doubted or (watched.health.doubted and now)
        dead = dead or (watched.health.dead(now) and now)
    assert doubted is not None
    assert dead is not None
    assert 200.0 + PROBE_LASTS_S <= doubted <= 204.0
    assert 204.0 < dead <= 206.5


def test_one_that_is_back_is_found_within_two_seconds() -> None:
    """Without anybody's question: the next probe finds it."""
    watched = Watched(answers=lambda now: now >= 240.0).until(240.0)
    assert watched.health.dead(240.0)
    watched.until(242.25, begin=240.0)
    assert not watched.health.dead(242.0)
    assert not watched.health.doubted


def test_the_dead_are_probed_every_other_second() -> None:
    """Often enough to find it back, and no more."""
    watched = Watched(answers=lambda _: False).until(300.0)
    late = [moment for moment in watched.probes if moment >= 210.0]
    assert {second - first for first, second in pairwise(late)} == {2.0}


def test_while_all_is_well_a_probe_is_sent_every_five_minutes() -> None:
    """However many questions there are, and silent names among them."""
    watched = Watched(names_answered=lambda now: now % 1.0 == 0.0).until(1_500.0)
    assert watched.probes == [200.0, 500.0, 800.0, 1_100.0, 1_400.0]


def test_a_question_that_fails_at_once_makes_a_probe_due_at_once() -> None:
    """A closed port need not be waited for; one that answered just now may have lost one query."""
    health = Health()
    health.probe_begun(100.0)
    health.heard(100.1)
    health.asked(120.0)
    assert not health.probe_is_due(120.5)
    health.failed(120.5)
    assert health.probe_is_due(120.5)
    health.answered(0.01, 121.0)
    health.asked(121.4)
    health.failed(121.5)
    assert not health.probe_is_due(121.5)


def test_who_lost_a_race_is_not_suspected() -> None:
    """A trial ends when the quicker one answers: nobody listens for the other one any more."""
    health = Health()
    health.probe_begun(100.0)
    health.heard(100.1)
    health.asked(120.0)
    health.outrun(0.02)
    assert not health.probe_is_due(130.0)
    health.asked(130.0)
    health.outrun(0.25)  # longer than its patience
    assert health.probe_is_due(131.0)


def test_one_not_asked_for_long_is_measured_again() -> None:
    """A slow upstream may have become the quick one; now and then that is found out."""
    slow, fast = measured(0.3), measured(0.01)
    assert order_of_asking([fast, slow], 120.0)[1] is None
    fast.asked(170.0)
    assert order_of_asking([fast, slow], 170.0)[1] == 1
    slow.begin_trial(170.0)
    assert order_of_asking([fast, slow], 171.0)[1] is None


def test_the_doubted_are_not_put_on_trial() -> None:
    """Their probes find out how they do."""
    assert order_of_asking([measured(0.3), without_probes(1)], 200.0)[1] is None


def test_patience_follows_the_round_trip_within_bounds() -> None:
    """Another one is asked after what is unusual for this upstream; 0.2 to 1 second."""
    assert Health().patience() == 0.4
    assert measured(0.001).patience() == 0.2
    assert 0.3 <= measured(0.3).patience() < 0.5
    assert measured(3.0).patience() == 1.0


@given(st.lists(st.tuples(st.booleans(), st.floats(1.001, 10.0)), max_size=50))
def test_names_that_take_long_raise_nobodys_patience(slow: list[tuple[bool, float]]) -> None:
    """A SERVFAIL after seconds, or a race lost to one, tells of a name and not of a server."""
    health = measured(0.01)
    for answered, seconds in slow:
        if answered:
            health.answered(seconds, 200.0)
        else:
            health.outrun(seconds)
    assert health.patience() == measured(0.01).patience()
    assert health.rank() == measured(0.01).rank()


def test_one_that_leads_back_to_us_is_never_asked() -> None:
    """A loop is no upstream."""
    looped = measured(0.001)
    looped.looped = True
    assert order_of_asking([looped, measured(0.1)], 100.0) == ([1], None)
    assert order_of_asking([looped], 100.0) == ([], None)
    assert looped.dead(100.0)


def test_one_that_is_always_outrun_falls_behind() -> None:
    """Waiting for it in vain counts as the time that was waited."""
    outrun = measured(0.01)
    for _ in range(20):
        outrun.outrun(0.4)
    assert outrun.rank() > measured(0.2).rank()
    assert not outrun.doubted


def test_plain_case_is_remembered_for_an_hour() -> None:
    """An upstream that does not keep case is not asked in mixed case at every turn."""
    health = Health()
    health.case_lost(100.0)
    assert not health.keeps_case(3600.0)
    assert health.keeps_case(3701.0)
