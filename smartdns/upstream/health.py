"""How well an upstream does, measured by the queries that it gets anyway.

Round-trip times are smoothed as TCP's are (RFC 6298 section 2); what is derived from them is
when to ask somebody else as well, and whom to ask first.
"""

from collections.abc import Sequence

_UNMEASURED_S = 0.4
_LEAST_PATIENCE_S = 0.2
_MOST_PATIENCE_S = 1.0
_LONGEST_PENALTY_S = 30.0
_CASE_REMEMBERED_S = 3600.0
_FAILURES_TO_SHUN = 3
_FAILURES_TO_GIVE_UP = 10
_SILENCE_TO_GIVE_UP_S = 5.0
_MEASUREMENT_LASTS_S = 60.0


class Health:
    """One upstream's; `now` is monotonic seconds throughout."""

    def __init__(self) -> None:
        self.looped = False
        """It leads back to us, so it is never asked."""
        self._smoothed: float | None = None
        self._variation = 0.0
        self._failures = 0
        self._asked_at = 0.0
        self._answered_at = 0.0
        self._silent_since: float | None = None
        self._shunned_until = 0.0
        self._case_lost_until = 0.0

    def asked(self, now: float) -> None:
        """Take note of a query to it."""
        self._asked_at = now

    def answered(self, round_trip: float, now: float) -> None:
        """Take note of an answer, be it an error, `round_trip` seconds after its query."""
        self._failures = 0
        self._answered_at = now
        self._silent_since = None
        self._shunned_until = 0.0
        self._measure(round_trip)

    def answered_since(self, moment: float) -> bool:
        """Say whether it answered after `moment`."""
        return self._answered_at > moment

    def outrun(self, waited: float) -> None:
        """Take note that another one answered first; its own answer would have been later."""
        if self._smoothed is None or waited > self._smoothed:
            self._measure(waited)

    def failed(self, now: float) -> None:
        """Take note of no answer, or of nonsense; the more in a row, the longer it is shunned."""
        self._failures += 1
        if self._silent_since is None:
            self._silent_since = now
        if not self.well():
            self._shunned_until = max(self._shunned_until, now + self._penalty())

    def case_lost(self, now: float) -> None:
        """Take note that it does not repeat a question's case: ask it in plain case for a while."""
        self._case_lost_until = now + _CASE_REMEMBERED_S

    def keeps_case(self, now: float) -> bool:
        """Say whether a query in mixed case is worth sending."""
        return now >= self._case_lost_until

    def well(self) -> bool:
        """Say whether it is expected to answer."""
        return self._failures < _FAILURES_TO_SHUN and not self.looped

    def dead(self, now: float) -> bool:
        """Say whether it is hardly worth a query: it answered none for long, and had its chances.

        One name that nobody can resolve, asked again and again, does not suffice: an answer to
        any other question in the meantime revives it.
        """
        silent = 0.0 if self._silent_since is None else now - self._silent_since
        given_up = self._failures >= _FAILURES_TO_GIVE_UP and silent > _SILENCE_TO_GIVE_UP_S
        return self.looped or given_up

    def trial_is_due(self, now: float) -> bool:
        """Say whether to find out how it does these days: ask it, and somebody else as well."""
        if self.looped:
            return False
        if self.well():
            return now - self._asked_at > _MEASUREMENT_LASTS_S
        return now >= self._shunned_until

    def begin_trial(self, now: float) -> None:
        """Put the next trial off, so that one question at a time is spent on it."""
        self._asked_at = now
        self._shunned_until = max(self._shunned_until, now + self._penalty())

    def patience(self) -> float:
        """Give the seconds after which to ask somebody else as well."""
        if self._smoothed is None:
            return _UNMEASURED_S
        usual = self._smoothed + 4 * self._variation
        return min(max(usual, _LEAST_PATIENCE_S), _MOST_PATIENCE_S)

    def rank(self) -> tuple[bool, float]:
        """Sort by this to ask the best first: the well before the failing, then by 50 ms.

        The unmeasured come first, and equals keep the operator's order.
        """
        return not self.well(), (self._smoothed or 0.0) // 0.05

    def _penalty(self) -> float:
        doublings = min(max(self._failures - _FAILURES_TO_SHUN, 0), 5)
        return min(2.0**doublings, _LONGEST_PENALTY_S)

    def _measure(self, round_trip: float) -> None:
        if self._smoothed is None:
            self._smoothed, self._variation = round_trip, round_trip / 2
            return
        self._variation += (abs(self._smoothed - round_trip) - self._variation) / 4
        self._smoothed += (round_trip - self._smoothed) / 8


def order_of_asking(healths: Sequence[Health], now: float) -> tuple[list[int], int | None]:
    """Give indices in the order to ask, and one besides to put on trial with this question."""
    able = [index for index, health in enumerate(healths) if not health.looped]
    able.sort(key=lambda index: healths[index].rank())
    trial = next((index for index in able[1:] if healths[index].trial_is_due(now)), None)
    return able, trial
