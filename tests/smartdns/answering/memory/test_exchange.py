"""The logic of one forwarded question, without sockets."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from smartdns.answering.memory.exchange import BUDGET_S, Attempt, Exchange, Server
from smartdns.answering.numbers import FORMERR, NOERROR, NS, NXDOMAIN, REFUSED, SERVFAIL, A
from smartdns.answering.plan import Record
from smartdns.answering.query import Name
from smartdns.answering.replies.upstream_reply import UpstreamReply

FAST, SLOW = Server(0, 0.2), Server(1, 0.4)
ROOT = Name(b"\0")


def reply(
    rcode: int = NOERROR, *, truncated: bool = False, types: tuple[int, ...] = (A,)
) -> UpstreamReply:
    """Give a reply with records of `types`, NS records in the authority section."""
    records = tuple(Record(ROOT, kind, 1, 60, b"1234") for kind in types)
    answer = tuple(record for record in records if record.type != NS)
    authority = tuple(record for record in records if record.type == NS)
    return UpstreamReply(
        id=0,
        opcode=0,
        rcode=rcode,
        truncated=truncated,
        authentic_data=False,
        question=None,
        question_wire=b"",
        answer=answer,
        authority=authority,
    )


def begun(*servers: Server) -> tuple[Exchange, Attempt]:
    """Begin an exchange at second 0 and give its first attempt."""
    exchange = Exchange(servers, 0.0)
    (first,) = exchange.attempts_due(0.0)
    return exchange, first


def test_the_first_good_reply_is_the_result() -> None:
    """One question, one query, one answer."""
    exchange, first = begun(FAST, SLOW)
    assert (first.server, first.stream, first.mixed_case) == (0, False, True)
    good = reply()
    exchange.replied(first, good)
    assert exchange.over
    assert exchange.result is good


def test_absence_is_a_result() -> None:
    """NXDOMAIN is what was asked for, not a reason to ask somebody else."""
    exchange, first = begun(FAST, SLOW)
    exchange.replied(first, reply(NXDOMAIN, types=()))
    assert exchange.over


def test_a_slow_upstream_gets_company() -> None:
    """After the first one's patience the second is asked, and the first may still win."""
    exchange, first = begun(FAST, SLOW)
    assert exchange.due_at() == 0.2
    assert exchange.attempts_due(0.1) == []
    (second,) = exchange.attempts_due(0.2)
    assert second.server == 1
    exchange.replied(first, reply())
    assert exchange.over


def test_each_round_is_less_eager() -> None:
    """One upstream alone is asked again after 0.2, 0.4, 0.8 and 1.6 seconds, and no more."""
    exchange, _ = begun(FAST)
    times = []
    while not exchange.over:
        now = exchange.due_at()
        times += [now] * len(exchange.attempts_due(now))
    assert [round(moment, 1) for moment in times] == [0.2, 0.6, 1.4, 3.0]
    assert exchange.result is None


def test_a_truncated_reply_is_fetched_over_a_stream() -> None:
    """TC leads to TCP at the same upstream, at once."""
    exchange, first = begun(FAST, SLOW)
    exchange.replied(first, reply(truncated=True))
    (again,) = exchange.attempts_due(0.01)
    assert (again.server, again.stream) == (0, True)


def test_a_stream_that_fails_leads_to_the_next_upstream() -> None:
    """No upstream is asked in circles."""
    exchange, first = begun(FAST, SLOW)
    exchange.replied(first, reply(truncated=True))
    (again,) = exchange.attempts_due(0.01)
    exchange.failed(again)
    (other,) = exchange.attempts_due(0.02)
    assert other.server == 1


def test_changed_case_leads_to_a_stream_and_then_to_plain_case() -> None:
    """0x20 falls back to what nobody else can answer, and last to a plain datagram."""
    exchange, first = begun(FAST)
    exchange.case_changed(first)
    (stream,) = exchange.attempts_due(0.01)
    assert (stream.stream, stream.mixed_case) == (True, False)
    exchange.failed(stream)
    (plain,) = exchange.attempts_due(0.02)
    assert (plain.stream, plain.mixed_case) == (False, False)


def test_an_upstream_without_edns_is_asked_again_without() -> None:
    """FORMERR to an OPT record is about the OPT record."""
    exchange, first = begun(FAST)
    exchange.replied(first, reply(FORMERR, types=()))
    (again,) = exchange.attempts_due(0.01)
    assert not again.edns
    exchange.replied(again, reply(FORMERR, types=()))
    assert exchange.attempts_due(0.02) == []
    assert exchange.over


def test_the_error_that_says_most_is_kept() -> None:
    """When nobody has an answer a SERVFAIL, which may explain itself, outranks a refusal."""
    exchange, first = begun(FAST, SLOW)
    failure = reply(SERVFAIL, types=())
    exchange.replied(first, failure)
    (second,) = exchange.attempts_due(0.01)
    exchange.replied(second, reply(REFUSED, types=()))
    assert exchange.attempts_due(0.02) == []
    assert exchange.result is failure


def test_a_referral_is_no_answer() -> None:
    """A server that sends us elsewhere is no resolver; the next one is asked."""
    exchange, first = begun(FAST, SLOW)
    exchange.replied(first, reply(types=(NS,)))
    assert not exchange.over
    assert exchange.attempts_due(0.01)[0].server == 1


def test_one_on_trial_is_asked_together_with_another() -> None:
    """Whoever has to show that it is back costs nobody a wait."""
    exchange = Exchange([Server(1, 0.0), FAST], 0.0)
    assert [attempt.server for attempt in exchange.attempts_due(0.0)] == [1, 0]


def test_where_all_servers_are_dead_it_ends_soon() -> None:
    """Each is asked, for it may be back, but nobody waits for it longer than a second."""
    exchange = Exchange([replace(SLOW, dead=True)], 0.0)
    assert len(exchange.attempts_due(0.0)) == 1
    assert exchange.due_at() == 0.4
    assert len(exchange.attempts_due(0.4)) == 1
    assert exchange.due_at() == 1.0
    assert exchange.attempts_due(1.0) == []
    assert exchange.over
    one_lives = Exchange([FAST, replace(SLOW, dead=True)], 0.0)
    assert one_lives.attempts_due(1.0)


def test_a_reply_that_came_in_time_is_the_result_however_late_it_is_looked_at() -> None:
    """A busy event loop may come round after the deadline."""
    exchange, first = begun(FAST)
    good = reply()
    exchange.replied(first, good)
    assert exchange.attempts_due(BUDGET_S + 1.0) == []
    assert exchange.result is good


def test_without_upstreams_it_is_over_at_once() -> None:
    """Nobody to ask is no reason to wait."""
    assert Exchange([], 0.0).over


def test_over_tls_everything_goes_by_stream_and_in_plain_case() -> None:
    """What nobody can forge needs no 0x20."""
    _, first = begun(Server(0, 0.2, stream_only=True))
    assert (first.stream, first.mixed_case) == (True, False)


EVENTS = st.sampled_from(["answer", "servfail", "truncated", "formerr", "case", "failed", "wait"])


@given(st.lists(EVENTS, max_size=60), st.integers(1, 4), st.booleans())
def test_whatever_happens_it_ends_within_the_budget(
    events: list[str], servers: int, tls: bool
) -> None:
    """No history of events asks without bound, asks in circles or outlasts the budget."""
    exchange = Exchange([Server(n, 0.2, stream_only=tls) for n in range(servers)], 0.0)
    now, asked, waiting = 0.0, 0, list[Attempt]()
    history = iter(events)
    while not exchange.over:
        due = exchange.attempts_due(now)
        asked += len(due)
        waiting += due
        event = next(history, "wait")
        if event == "wait" or not waiting:
            now = max(now, exchange.due_at())
        elif event == "failed":
            exchange.failed(waiting.pop(0))
        elif event == "case" and waiting[0].mixed_case:
            exchange.case_changed(waiting.pop(0))
        else:
            rcode = {"servfail": SERVFAIL, "formerr": FORMERR}.get(event, NOERROR)
            exchange.replied(waiting.pop(0), reply(rcode, truncated=event == "truncated"))
    assert now <= BUDGET_S
    assert asked <= 12 * servers
