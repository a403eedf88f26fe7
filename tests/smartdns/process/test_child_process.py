"""When a child that died is started again."""

from smartdns.process.child_process import LONGEST_DELAY_S, restart_delay


def test_the_first_death_costs_no_time_and_a_loop_ever_more() -> None:
    """At once after a steady life; within a second for a few deaths; half a minute at most."""
    delays = [restart_delay(failures) for failures in range(40)]
    assert delays[0] == 0.0
    assert delays[4] < 1.0
    assert delays == sorted(delays)
    assert delays[-1] == LONGEST_DELAY_S
