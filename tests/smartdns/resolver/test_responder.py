"""What becomes of a query that needs an upstream: waiting, stale answers, failures, prefetch."""

import socket
import time

import dns.edns
import dns.message
import dns.rcode
import pytest
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.task import deferLater

from smartdns.answering.knowledge import Knowledge
from smartdns.answering.memory.cache import Answer
from smartdns.answering.numbers import CLASS_IN, NOERROR, A
from smartdns.answering.plan import Forward, Record, Reply
from smartdns.contract.grants import Profile
from tests.peers.odd_name_server import OddNameServer, answering
from tests.peers.waiting import undisturbed_s
from tests.smartdns.resolver import laboratory
from tests.smartdns.resolver.conftest import Make
from tests.smartdns.resolver.laboratory import MISTAKEN


def errors(reply: dns.message.Message) -> list[int]:
    """Codes of the Extended DNS Errors in a reply."""
    return [int(o.code) for o in reply.options if isinstance(o, dns.edns.EDEOption)]


async def test_a_stale_answer_when_the_upstream_is_silent(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """Better an answer of an hour ago than none (RFC 8767): TTL 30, EDE 3, within two seconds."""
    resolver = make_resolver(odd_name_server.port)
    await resolver.ask("a.example.com")
    resolver.ahead_s = 3600.0
    odd_name_server.react = lambda query, transport: None
    began = undisturbed_s()
    reply = await resolver.ask("a.example.com")
    assert undisturbed_s() - began < 3.0
    assert reply.answer[0].ttl == 30
    assert errors(reply) == [3]


async def test_a_late_answer_is_kept_for_the_next_who_asks(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """Whoever got a stale answer did not end the exchange: it refreshes the cache."""
    resolver = make_resolver(odd_name_server.port)
    await resolver.ask("a.example.com")
    resolver.ahead_s = 3600.0
    odd_name_server.delay = 2.2
    assert errors(await resolver.ask("a.example.com")) == [3]
    await deferLater(reactor, 0.8)
    reply = await resolver.ask("a.example.com")
    assert errors(reply) == []
    assert reply.answer[0].ttl > 200


async def test_servfail_with_a_reason_when_there_is_nothing_else(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """Within the budget, with EDE 22; and for a second nobody is asked again (RFC 9520)."""
    resolver = make_resolver(odd_name_server.port)
    odd_name_server.react = lambda query, transport: None
    began = undisturbed_s()
    reply = await resolver.ask("a.example.com")
    assert undisturbed_s() - began < 4.5
    assert (reply.rcode(), errors(reply)) == (dns.rcode.SERVFAIL, [22])
    asked = len(odd_name_server.queries)
    began = undisturbed_s()
    assert (await resolver.ask("a.example.com")).rcode() == dns.rcode.SERVFAIL
    assert undisturbed_s() - began < 0.5
    assert len(odd_name_server.queries) == asked


async def test_a_name_about_to_expire_is_fetched_before_it_does(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """Whoever asks in the last tenth gets the old answer at once, the next one a new one."""
    resolver = make_resolver(odd_name_server.port)
    await resolver.ask("a.example.com")
    resolver.ahead_s = 290.0
    assert (await resolver.ask("a.example.com")).answer[0].ttl <= 10
    while len(odd_name_server.queries) < 2 or resolver.forwarder.in_flight:
        await deferLater(reactor, 0.01)
    assert (await resolver.ask("a.example.com")).answer[0].ttl > 290


async def test_one_client_cannot_take_all_the_places(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """A flood of one household's random names is shed; another household is answered."""
    resolver = make_resolver(odd_name_server.port, in_flight=20)
    resolver.allowlist.profiles[socket.inet_aton("127.0.0.3")] = Profile()
    odd_name_server.delay = 0.4
    flood = [ensureDeferred(resolver.ask(f"n{n}.example.com")) for n in range(9)]
    while resolver.forwarder.in_flight < 5:
        await deferLater(reactor, 0.01)
    assert (await resolver.ask("other.example.net", source="127.0.0.3")).answer
    replies = await gatherResults(flood)
    assert sum(bool(reply.answer) for reply in replies) == 5
    shed = [errors(reply) for reply in replies if not reply.answer]
    assert shed == [[0]] * 4


async def test_the_upstreams_reason_reaches_the_client(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """A validation failure upstream is told as such (RFC 8914)."""

    def bogus(query: dns.message.Message, transport: str) -> dns.message.Message:
        reply = answering(query, rcode="SERVFAIL")
        reply.use_edns(0, options=[dns.edns.EDEOption(6, "DNSSEC Bogus")])
        return reply

    odd_name_server.react = bogus
    resolver = make_resolver(odd_name_server.port)
    assert errors(await resolver.ask("a.example.com")) == [6]


async def test_a_fault_of_ours_is_servfail_and_tells_nothing(
    make_resolver: Make, odd_name_server: OddNameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception in the decision costs one query its answer, and nothing else."""
    resolver = make_resolver(odd_name_server.port)
    failures: list[object] = []
    monkeypatch.setattr(
        resolver.responder._log, "failure", lambda *arguments: failures.append(arguments)
    )
    monkeypatch.setattr(resolver.knowledge, "catalog", MISTAKEN)
    assert (await resolver.ask("a.example.com")).rcode() == dns.rcode.SERVFAIL
    assert failures == [("a query could not be answered",)]


@pytest.mark.parametrize("days", [1, -1])
async def test_a_clock_that_jumps_a_day_moves_no_ttl_and_no_timeout(
    make_resolver: Make, odd_name_server: OddNameServer, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """Both go by the monotonic clock: what was cached still is, and new names are found."""
    resolver = make_resolver(odd_name_server.port)
    before = (await resolver.ask("kept.example.com")).answer[0].ttl
    true_time = time.time
    monkeypatch.setattr("time.time", lambda: true_time() + days * 86_400)
    after = (await resolver.ask("kept.example.com")).answer[0].ttl
    assert before - 20 <= after <= before
    assert len(odd_name_server.queries) == 1
    assert (await resolver.ask("new.example.com")).answer
    assert (await resolver.ask("www.netflix.com")).answer[0].ttl == 60


async def test_a_reply_that_cannot_be_rendered_is_servfail(
    make_resolver: Make, odd_name_server: OddNameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waited for an upstream is told as well as who did not, and the next is answered."""
    resolver = make_resolver(odd_name_server.port)
    failures: list[object] = []
    monkeypatch.setattr(
        resolver.responder._log, "failure", lambda *arguments: failures.append(arguments)
    )
    with monkeypatch.context() as mistaken:
        mistaken.setattr(laboratory, "conclude", _wrongly)
        assert (await resolver.ask("a.example.com")).rcode() == dns.rcode.SERVFAIL
        assert (await resolver.ask("a.example.com")).rcode() == dns.rcode.SERVFAIL
    assert failures == [("a query could not be answered",)] * 2
    assert (await resolver.ask("b.example.com")).answer


def _wrongly(asked: Forward, _: object, knowledge: Knowledge, now: float) -> Reply:
    """Conclude from nothing, now and for the cache, that a TTL has more bits than fit."""
    record = Record(asked.question.name, A, CLASS_IN, 1 << 40, bytes(4))
    knowledge.cache.store(asked, Answer(NOERROR, (record,), (), 300), now)
    return Reply(NOERROR, (record,))
