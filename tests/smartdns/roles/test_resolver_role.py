"""The composed resolver, on a real Redis and a real name server."""

import statistics
from typing import Any

import dns.rcode
import pytest

from smartdns.allowlist.mirror import Mirror
from smartdns.answering.names import name_of
from smartdns.contract.configuration import Configuration, SettingError
from smartdns.contract.grants import Profile
from smartdns.roles.resolver_role import knowledge_of, limits_of, resolver_service
from smartdns.settings import read_settings
from tests.peers.name_server import NameServer
from tests.peers.odd_name_server import OddNameServer, answering
from tests.peers.redis_server import RedisServer
from tests.peers.waiting import undisturbed_s
from tests.smartdns.running import Start, publish, start_ready


async def test_a_grant_opens_the_way_and_its_removal_closes_it(
    redis_server: RedisServer, name_server: NameServer, start: Start
) -> None:
    """Published: steered; published again: to another region; removed: refused."""
    resolver = await start_ready(start, redis_server, name_server.port)
    assert (await resolver.ask("www.netflix.com")).answer[0][0].address == "127.80.0.8"
    assert (await resolver.ask("www.example.com")).answer[0][0].address == "198.51.100.1"
    with redis_server.client() as client:
        publish(client, 2, Profile("gb"))
        await resolver.until(lambda report: report["position"] == 2)
        assert (await resolver.ask("www.netflix.com")).answer[0][0].address == "127.80.0.9"
        publish(client, 3, None)
        await resolver.until(lambda report: report["position"] == 3)
        for name in ("www.netflix.com", "www.example.com"):
            assert (await resolver.ask(name)).rcode() == dns.rcode.REFUSED


async def test_a_published_change_shows_within_a_tenth_of_a_second(
    redis_server: RedisServer, name_server: NameServer, start: Start
) -> None:
    """From before the registry's MULTI to the first reply by it, in the middle of 21 changes."""
    steered = {"us": "127.80.0.8", "gb": "127.80.0.9", None: None}
    resolver = await start_ready(start, redis_server, name_server.port)
    taken = []
    with redis_server.client() as client:
        for position, region in enumerate(["gb", None, "us"] * 7, start=2):
            began = undisturbed_s()
            publish(client, position, Profile(region) if region else None)
            shown: object = "nothing yet"
            while shown != steered[region]:
                reply = await resolver.ask("www.netflix.com")
                shown = reply.answer[0][0].address if reply.answer else None
            taken.append(undisturbed_s() - began)
    assert statistics.median(taken) < 0.1


async def test_open_names_are_answered_to_strangers(
    redis_server: RedisServer, name_server: NameServer, start: Start
) -> None:
    """The switch that lets a home whose address changed reach the page; nothing else."""
    settings = {"open_names": "1", "public_url": "https://www.example.com/"}
    resolver = await start_ready(start, redis_server, name_server.port, **settings)
    page = await resolver.ask("www.example.com", source="127.0.0.2")
    assert page.answer[0][0].address == "198.51.100.1"
    assert (
        await resolver.ask("captive.apple.com", source="127.0.0.2")
    ).rcode() == dns.rcode.NXDOMAIN
    for name in ("mail.example.com", "www.netflix.com"):
        assert (await resolver.ask(name, source="127.0.0.2")).rcode() == dns.rcode.REFUSED


async def test_private_answers_are_let_through_below_what_the_operator_named(
    redis_server: RedisServer, name_server: NameServer, start: Start
) -> None:
    """DNS rebinding is stopped, but for the suffixes on the list."""
    strict, lenient = [
        await start_ready(start, redis_server, name_server.port, private_answer_suffixes=suffixes)
        for suffixes in ("", "example.com")
    ]
    assert not (await strict.ask("home.example.com")).answer
    assert (await lenient.ask("home.example.com")).answer[0][0].address == "192.168.1.5"


def test_names_outside_ascii_are_taken_as_they_are_written() -> None:
    """Wherever a setting holds a name, an internationalised one is its A-label (RFC 5890)."""
    given = {
        "public_url": "https://bücher.example",
        "private_answer_suffixes": "bücher.example",
        "forward_suffixes": "bücher.example=192.0.2.1",
    }
    knowledge = knowledge_of(read_settings(Configuration(given)), Mirror())
    host = name_of("xn--bcher-kva.example")
    assert knowledge.check_host == name_of("check.xn--bcher-kva.example")
    assert host in knowledge.switches.private_suffixes


def test_a_network_may_ask_all_of_its_rate_of_the_one_worker_that_it_meets() -> None:
    """However many there are; only where it may meet several does each allow its share."""
    settings = read_settings(Configuration({"client_rate": "100", "workers": "4"}))
    whole, share = (limits_of(settings, workers_met=met) for met in (1, 4))
    assert whole.clients.rate == 100
    assert whole.strangers.rate == settings.refused_rate
    assert share.clients.rate == 25
    assert share.strangers.rate == settings.refused_rate / 4


def test_a_broken_certificate_stops_the_start(tmp_path: Any) -> None:
    """A setting that is wrong is said before anything listens."""
    pem = tmp_path / "dns.pem"
    pem.write_text("nonsense")
    given = {"dns_certificate": str(pem), "dns_key": str(pem), "upstreams": "192.0.2.1"}
    with pytest.raises(SettingError, match="MEDIASTREAMER_DNS_CERTIFICATE"):
        resolver_service(read_settings(Configuration(given)))


async def test_a_homes_own_domain_is_asked_of_its_router(
    redis_server: RedisServer,
    name_server: NameServer,
    odd_name_server: OddNameServer,
    start: Start,
) -> None:
    """Conditional forwarding, and what the router says may be private."""
    odd_name_server.react = lambda query, transport: answering(
        query, f"{query.question[0].name} 60 A 192.168.1.20"
    )
    to_router = f"fritz.box=127.0.0.1:{odd_name_server.port}"
    resolver = await start_ready(start, redis_server, name_server.port, forward_suffixes=to_router)
    assert (await resolver.ask("printer.fritz.box")).answer[0][0].address == "192.168.1.20"
    assert (await resolver.ask("printer.example.com")).rcode() == dns.rcode.NXDOMAIN
