"""Whom of a group a question is put to, as the health of each has it."""

import pytest
from twisted.internet import reactor

from smartdns.upstream.group import Group
from tests.smartdns.upstream.asking import upstream

NOW = 1_000.0


def group(*lost_probes: int, tls_name: str | None = None) -> Group:
    """Give a group of upstreams that answered all, but for so many probes lost lately."""
    ports = range(5301, 5301 + len(lost_probes))
    made = Group.at(reactor, [upstream(port, tls_name) for port in ports])  # type: ignore[arg-type]
    for member, lost in zip(made.members, lost_probes, strict=True):
        member.health.asked(NOW - 20.0)
        member.health.answered(0.01, NOW - 20.0)
        for number in range(lost):
            member.health.probe_lost(NOW - 10.0 + number)
    return made


@pytest.mark.parametrize(
    ("lost_probes", "asked", "first"),
    [
        ((0, 0), [0, 1], 0),
        ((1, 0), [1, 0], 1),  # the doubted come last
        ((1, 1), [0, 1], 0),
        ((3, 0), [1], 1),  # the dead do not, while another one lives
        ((3, 1), [1], 1),
        ((3, 3), [0, 1], None),  # all of them: asked, but not before it is known how they do
        ((1,), [0], 0),
        ((3,), [0], None),
    ],
)
def test_whom_a_question_is_put_to(
    lost_probes: tuple[int, ...], asked: list[int], first: int | None
) -> None:
    """All of them in order, and who is asked first from another thread."""
    made = group(*lost_probes)
    assert [server.index for server in made.servers(NOW)] == asked
    choice = made.first_choice(NOW)
    assert (None if choice is None else made.members.index(choice)) == first
    assert made.all_dead(NOW) == (min(lost_probes) >= 3)
    assert all(server.dead == made.all_dead(NOW) for server in made.servers(NOW))


def test_questions_without_a_reply_leave_the_order_and_the_patience() -> None:
    """A zone whose servers are silent is silent wherever it is asked for."""
    made = group(0, 0)
    before = made.servers(NOW)
    for tenth in range(1_000):
        for member in made.members:
            member.health.asked(NOW + tenth / 10)
            member.health.failed(NOW + tenth / 10)
        assert made.servers(NOW + tenth / 10) == before
        assert made.first_choice(NOW + tenth / 10) is made.members[0]
        assert not made.all_dead(NOW + tenth / 10)


def test_one_that_was_asked_first_and_died_is_asked_no_more() -> None:
    """The others take over what it was asked."""
    made = group(3, 0)
    assert [server.index for server in made.servers_after(made.members[0], NOW)] == [1]
    assert [server.index for server in made.servers_after(made.members[1], NOW)] == [1]


def test_over_tls_nobody_is_asked_in_a_datagram() -> None:
    """Nor one that does not repeat a question's case: that takes another way from the start."""
    assert group(0, tls_name="dns.example").first_choice(NOW) is None
    made = group(0)
    made.members[0].health.case_lost(NOW)
    assert made.first_choice(NOW) is None


def test_one_on_trial_is_asked_at_the_same_time() -> None:
    """Once a minute, so that it is known how quick it is."""
    made = group(0, 0)
    made.members[0].health.asked(NOW + 55.0)
    (trial, best) = made.servers(NOW + 55.0)
    assert (trial.index, trial.patience, best.index) == (1, 0.0, 0)
    assert [server.index for server in made.servers(NOW + 56.0)] == [0, 1]
