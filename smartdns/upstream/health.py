"""How fast an upstream is, and whether it is alive.

Ordinary questions show how fast it is. Round-trip times are smoothed as in TCP (RFC 6298
section 2). They decide when another upstream is asked as well, and which one is asked first.

Only probes decide whether it is alive: our own questions, for names that no client chose. If a
zone's authoritative servers are silent, every resolver is silent about its names, and one household
can ask for a hundred of them in a second. So an ordinary question without a reply only makes a
probe due.

    answers    nothing is wrong; if it is silent for a second, or a query fails, a probe is due
    doubted    a probe was lost: it is asked after the others; a probe is due every second
    dead       three probes were lost, over four seconds: it is asked only if no other one is
               alive; a probe is due every two seconds

Any reply leads back to the first state: also an error, and also one to an ordinary question.
"""

from collections.abc import Sequence
from typing import Final

_NEVER: Final = float("-inf")
_UNMEASURED_S: Final = 0.4
_LEAST_PATIENCE_S: Final = 0.2
_MOST_PATIENCE_S: Final = 1.0
_CASE_REMEMBERED_S: Final = 3600.0
_MEASUREMENT_LASTS_S: Final = 60.0
_SILENT_S: Final = 1.0
_PROBE_EVERY_S: Final = 300.0
_PROBE_DOUBTED_EVERY_S: Final = 1.0
_PROBE_DEAD_EVERY_S: Final = 2.0
_DEAD_AFTER_PROBES: Final = 3
_DEAD_AFTER_S: Final = 4.0


class Health:
    """The health of one upstream; `now` is always in monotonic seconds."""

    def __init__(self) -> None:
        self.looped = False
        """It forwards to us (a loop), so it is never asked."""
        self._smoothed: float | None = None
        self._variation = 0.0
        self._case_lost_until = 0.0
        self._asked_at = 0.0
        self._heard_at = _NEVER
        self._suspect_at: float | None = None
        """When a probe is due; None: no question is known to wait."""
        self._probed_at = _NEVER
        self._first_lost_at = 0.0
        self._lost_probes = 0

    def asked(self, now: float) -> None:
        """Note that a question was sent to it at `now`."""
        self._asked_at = now
        if self._suspect_at is None and not self.heard_since(now):
            self._suspect_at = now + _SILENT_S

    def answered(self, round_trip: float, now: float) -> None:
        """Note a reply (also an error), `round_trip` seconds after its question."""
        self.heard(now)
        self._measure(round_trip)

    def outrun(self, waited: float) -> None:
        """Note that another upstream answered first, after this one was waited for `waited` s."""
        if waited < _LEAST_PATIENCE_S and not self.doubted:
            self._suspect_at = None  # the wait was too short to tell
        if (self._smoothed or 0.0) < waited <= _MOST_PATIENCE_S:
            self._measure(waited)

    def failed(self, now: float) -> None:
        """Note that a question could not be sent, or got no reply or no usable one."""
        if self._suspect_at is not None and now - self._heard_at > _SILENT_S:
            self._suspect_at = min(self._suspect_at, now)

    def heard(self, now: float) -> None:
        """Note any sign of life."""
        self._heard_at = now
        self._suspect_at = None
        self._lost_probes = 0

    def heard_since(self, moment: float) -> bool:
        """Say whether there was a sign of life after `moment`."""
        return self._heard_at > moment

    def probe_is_due(self, now: float) -> bool:
        """Say whether to send a probe: regularly, and soon if the upstream may be down."""
        if self.doubted or (self._suspect_at is not None and now >= self._suspect_at):
            wait = _PROBE_DEAD_EVERY_S if self.dead(now) else _PROBE_DOUBTED_EVERY_S
        else:
            wait = _PROBE_EVERY_S
        return now - self._probed_at >= wait

    def probe_begun(self, now: float) -> None:
        """Note that a probe is sent at `now`."""
        self._probed_at = now

    def probe_lost(self, begun: float) -> None:
        """Note that the probe sent at `begun` got no reply."""
        if self.heard_since(begun):
            return
        if not self.doubted:
            self._first_lost_at = begun
        self._lost_probes += 1

    @property
    def doubted(self) -> bool:
        """Whether a probe was lost, without a sign of life since."""
        return self._lost_probes > 0

    def dead(self, now: float) -> bool:
        """Say whether it is dead: its probes were lost, or it forwards to us."""
        lasted = now - self._first_lost_at >= _DEAD_AFTER_S
        return self.looped or (self._lost_probes >= _DEAD_AFTER_PROBES and lasted)

    def case_lost(self, now: float) -> None:
        """Note that it did not repeat a question's case: ask it in lower case for a while."""
        self._case_lost_until = now + _CASE_REMEMBERED_S

    def keeps_case(self, now: float) -> bool:
        """Say whether a query in mixed case is worth sending."""
        return now >= self._case_lost_until

    def trial_is_due(self, now: float) -> bool:
        """Say whether to measure it again: ask it and, at the same time, another one."""
        return not self.doubted and now - self._asked_at > _MEASUREMENT_LASTS_S

    def begin_trial(self, now: float) -> None:
        """Postpone the next trial, so that only one question at a time is used for it."""
        self._asked_at = now

    def patience(self) -> float:
        """Give the seconds after which to ask another upstream as well."""
        if self._smoothed is None:
            return _UNMEASURED_S
        usual = self._smoothed + 4 * self._variation
        return min(max(usual, _LEAST_PATIENCE_S), _MOST_PATIENCE_S)

    def rank(self) -> tuple[bool, float]:
        """Give the sort key for the order to ask: doubted ones last, then in steps of 50 ms.

        Upstreams without a measurement come first; equals keep the operator's order.
        """
        return self.doubted, (self._smoothed or 0.0) // 0.05

    def _measure(self, round_trip: float) -> None:
        """Use a round trip, unless it is so long that the name, not the server, is the cause.

        A resolver that asks silent servers says SERVFAIL after seconds; that must not delay the
        questions for other names.
        """
        if self._smoothed is None:
            self._smoothed = min(round_trip, _MOST_PATIENCE_S)
            self._variation = self._smoothed / 2
        elif round_trip <= _MOST_PATIENCE_S:
            self._variation += (abs(self._smoothed - round_trip) - self._variation) / 4
            self._smoothed += (round_trip - self._smoothed) / 8


def order_of_asking(healths: Sequence[Health], now: float) -> tuple[list[int], int | None]:
    """Give indices in the order to ask, and the one to put on trial with this question, if any.

    Dead upstreams are included only if all are dead.
    """
    living = [index for index, health in enumerate(healths) if not health.dead(now)]
    able = living or [index for index, health in enumerate(healths) if not health.looped]
    able.sort(key=lambda index: healths[index].rank())
    trial = next((index for index in able[1:] if healths[index].trial_is_due(now)), None)
    return able, trial
