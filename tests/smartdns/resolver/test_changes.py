"""What was answered before is answered anew once it no longer holds, on either path."""

import dataclasses
import datetime
import socket
import time
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest
from twisted.internet.threads import deferToThread

from smartdns.answering.knowledge import RelayAddresses
from smartdns.contract.grants import OFF, Profile
from tests.smartdns.resolver.laboratory import RELAY, Laboratory

HERE = b"\x7f\0\0\1"


async def _learned(resolver: Laboratory, name: str = "www.example.com", **options: Any) -> None:
    """Ask until it can be answered from memory: from upstream, from the cache, by the memo."""
    for _ in range(4):
        await resolver.ask(name, **options)


def _addresses(reply: dns.message.Message) -> list[str]:
    return [str(record) for rrset in reply.answer for record in rrset]


async def test_ttls_count_down(resolver: Laboratory) -> None:
    """What is remembered grows old by the second."""
    await _learned(resolver)
    first = (await resolver.ask("www.example.com")).answer[0].ttl
    began = time.monotonic()
    while (await resolver.ask("www.example.com")).answer[0].ttl == first:
        assert time.monotonic() < began + 5
    later = (await resolver.ask("www.example.com")).answer[0].ttl
    assert first - 3 <= later < first


async def test_a_change_of_grants_shows_at_once(resolver: Laboratory) -> None:
    """Removed: refused; another choice: forwarded; let in again: steered."""
    await _learned(resolver, "www.netflix.com")
    for profile, steered, rcode in (
        (None, False, dns.rcode.REFUSED),
        (Profile(services={"netflix": OFF}), False, None),
        (Profile(), True, dns.rcode.NOERROR),
    ):
        resolver.allowlist.profiles.pop(HERE, None)
        if profile is not None:
            resolver.allowlist.profiles[HERE] = profile
        resolver.responder.grants_changed()
        reply = await resolver.ask("www.netflix.com")
        assert (_addresses(reply) == [RELAY]) is steered
        assert rcode is None or reply.rcode() == rcode


async def test_a_lost_allowlist_closes(resolver: Laboratory) -> None:
    """Nothing that is remembered opens what fails closed; EDE 14 says why."""
    await _learned(resolver, "www.netflix.com")
    resolver.allowlist.profiles.clear()
    resolver.allowlist.loaded = False
    resolver.responder.grants_changed()
    reply = await resolver.ask("www.netflix.com")
    assert reply.rcode() == dns.rcode.REFUSED
    assert [int(each.code) for each in reply.options if isinstance(each, dns.edns.EDEOption)] == [
        14
    ]


async def test_a_change_of_relays_shows_at_once(resolver: Laboratory) -> None:
    """A relay that is down is in no answer any more."""
    await _learned(resolver, "www.netflix.com")
    resolver.knowledge.relays = {"*": RelayAddresses((socket.inet_aton("192.0.2.81"),))}
    resolver.responder.knowledge_changed()
    assert _addresses(await resolver.ask("www.netflix.com")) == ["192.0.2.81"]


async def test_grants_end_with_the_utc_day(
    resolver: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was known of the household is not asked again until midnight, and then at once."""
    await _learned(resolver, "www.netflix.com")
    today = datetime.datetime.now(datetime.UTC).date().toordinal()
    resolver.allowlist.profiles[HERE] = Profile(last_day=today)
    resolver.responder.grants_changed()
    assert _addresses(await resolver.ask("www.netflix.com")) == [RELAY]
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 86_400)
    began = time.monotonic()
    while (await resolver.ask("www.netflix.com")).rcode() == dns.rcode.NOERROR:
        assert time.monotonic() < began + 3  # the fast path looks at the day every second


async def test_a_change_of_the_catalogue_shows_at_once(resolver: Laboratory) -> None:
    """A name that is in it no longer is forwarded."""
    await _learned(resolver, "www.netflix.com")
    resolver.knowledge.catalog = dataclasses.replace(resolver.knowledge.catalog, _suffixes={})
    resolver.responder.knowledge_changed()
    assert _addresses(await resolver.ask("www.netflix.com")) != [RELAY]


async def test_claims_are_answered_with_care(resolver: Laboratory) -> None:
    """Whom only a DDNS name vouches for gets TC each time, and never what others get."""
    await _learned(resolver)
    resolver.allowlist.profiles[HERE] = Profile(claimed=True)
    resolver.responder.grants_changed()
    for _ in range(4):
        reply = await resolver.ask("www.example.com", raise_on_truncation=False)
        assert reply.flags & dns.flags.TC
        assert not reply.answer


async def test_a_claim_that_returns_its_cookie_is_answered(resolver: Laboratory) -> None:
    """What it was given shows that it is there (RFC 7873), so it gets what others get."""
    resolver.allowlist.profiles[HERE] = Profile(claimed=True)
    resolver.responder.grants_changed()
    cookie = b"12345678"
    for answered in (False, True, True):
        option = dns.edns.GenericOption(dns.edns.OptionType.COOKIE, cookie)
        query = dns.message.make_query("www.netflix.com", "A", use_edns=0, options=[option])
        reply = await deferToThread(dns.query.udp, query, "127.0.0.1", 10, resolver.port)
        assert (_addresses(reply) == [RELAY]) is answered
        (cookie,) = [
            each.to_wire() for each in reply.options if each.otype == dns.edns.OptionType.COOKIE
        ]
