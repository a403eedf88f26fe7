"""How quick an upstream is, and whether it lives.

Ordinary questions show how quick it is. Round-trip times are smoothed as TCP's are (RFC 6298
section 2). They say when to ask another upstream as well, and which one to ask first.

Whether it lives is judged by probes alone: questions of our own, for names that no customer chose.
A name whose authoritative servers are silent is silent at every resolver, and one household can
ask for a hundred of them in a second. So an ordinary question without a reply is a reason to send
a probe, and nothing else.

    answers    nothing is wrong; silent for a second, or a query failed: a probe is due
    doubted    a probe was lost: asked after the others; a probe is due every second
    dead       three were lost, over four seconds: asked only where no other one lives; a probe
               is due every two seconds

Any reply leads back to the first state, be it an error, be it to a probe or to a question.
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
    """The health of one upstream; `now` is monotonic seconds throughout."""

    def __init__(self) -> None:
        self.looped = False
        """It leads back to us, so it is never asked."""
        self._smoothed: float | None = None
        self._variation = 0.0
        self._case_lost_until = 0.0
        self._asked_at = 0.0
        self._heard_at = _NEVER
        self._suspect_at: float | None = None
        """When a probe is due; None: no question waits, or it is not known that one does."""
        self._probed_at = _NEVER
        self._first_lost_at = 0.0
        self._lost_probes = 0

    def asked(self, now: float) -> None:
        """Take note of a question that was sent to it at `now`."""
        self._asked_at = now
        if self._suspect_at is None and not self.heard_since(now):
            self._suspect_at = now + _SILENT_S

    def answered(self, round_trip: float, now: float) -> None:
        """Take note of a reply, be it an error, `round_trip` seconds after its question."""
        self.heard(now)
        self._measure(round_trip)

    def outrun(self, waited: float) -> None:
        """Take note that another one answered first; its own answer would have been later."""
        if waited < _LEAST_PATIENCE_S and not self.doubted:
            self._suspect_at = None  # nobody waited long enough to tell
        if (self._smoothed or 0.0) < waited <= _MOST_PATIENCE_S:
            self._measure(waited)

    def failed(self, now: float) -> None:
        """Take note that a question got no reply, or nonsense, or could not be sent."""
        if self._suspect_at is not None and now - self._heard_at > _SILENT_S:
            self._suspect_at = min(self._suspect_at, now)

    def heard(self, now: float) -> None:
        """Take note of any sign of life."""
        self._heard_at = now
        self._suspect_at = None
        self._lost_probes = 0

    def heard_since(self, moment: float) -> bool:
        """Say whether there was a sign of life after `moment`."""
        return self._heard_at > moment

    def probe_is_due(self, now: float) -> bool:
        """Say whether to send a probe: now and then, and soon where it may have gone away."""
        if self.doubted or (self._suspect_at is not None and now >= self._suspect_at):
            wait = _PROBE_DEAD_EVERY_S if self.dead(now) else _PROBE_DOUBTED_EVERY_S
        else:
            wait = _PROBE_EVERY_S
        return now - self._probed_at >= wait

    def probe_begun(self, now: float) -> None:
        """Take note of a probe that is sent at `now`."""
        self._probed_at = now

    def probe_lost(self, begun: float) -> None:
        """Take note that nothing came of the probe that was sent at `begun`."""
        if self.heard_since(begun):
            return
        if not self.doubted:
            self._first_lost_at = begun
        self._lost_probes += 1

    @property
    def doubted(self) -> bool:
        """A probe was lost, and there was no sign of life since."""
        return self._lost_probes > 0

    def dead(self, now: float) -> bool:
        """Say whether it is hardly worth a query: its probes were lost, or it leads back to us."""
        lasted = now - self._first_lost_at >= _DEAD_AFTER_S
        return self.looped or (self._lost_probes >= _DEAD_AFTER_PROBES and lasted)

    def case_lost(self, now: float) -> None:
        """Take note that it does not repeat a question's case: ask it in plain case for a while."""
        self._case_lost_until = now + _CASE_REMEMBERED_S

    def keeps_case(self, now: float) -> bool:
        """Say whether a query in mixed case is worth sending."""
        return now >= self._case_lost_until

    def trial_is_due(self, now: float) -> bool:
        """Say whether to find out how quick it is these days: ask it, and another one as well."""
        return not self.doubted and now - self._asked_at > _MEASUREMENT_LASTS_S

    def begin_trial(self, now: float) -> None:
        """Put the next trial off, so that one question at a time is spent on it."""
        self._asked_at = now

    def patience(self) -> float:
        """Give the seconds after which to ask another one as well."""
        if self._smoothed is None:
            return _UNMEASURED_S
        usual = self._smoothed + 4 * self._variation
        return min(max(usual, _LEAST_PATIENCE_S), _MOST_PATIENCE_S)

    def rank(self) -> tuple[bool, float]:
        """Sort by this to ask the best first: the doubted after the others, then by 50 ms.

        The unmeasured come first, and equals keep the operator's order.
        """
        return self.doubted, (self._smoothed or 0.0) // 0.05

    def _measure(self, round_trip: float) -> None:
        """Take in a round trip, unless it is so long that it tells of the name, not of the server.

        A resolver that asks silent servers says SERVFAIL after seconds; that must not make
        everybody else's questions wait.
        """
        if self._smoothed is None:
            self._smoothed = min(round_trip, _MOST_PATIENCE_S)
            self._variation = self._smoothed / 2
        elif round_trip <= _MOST_PATIENCE_S:
            self._variation += (abs(self._smoothed - round_trip) - self._variation) / 4
            self._smoothed += (round_trip - self._smoothed) / 8


def order_of_asking(healths: Sequence[Health], now: float) -> tuple[list[int], int | None]:
    """Give indices in the order to ask, and one besides to put on trial with this question.

    The dead are among them only where nobody else is.
    """
    living = [index for index, health in enumerate(healths) if not health.dead(now)]
    able = living or [index for index, health in enumerate(healths) if not health.looped]
    able.sort(key=lambda index: healths[index].rank())
    trial = next((index for index in able[1:] if healths[index].trial_is_due(now)), None)
    return able, trial
