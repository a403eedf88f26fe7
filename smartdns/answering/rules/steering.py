"""Steering: which names lead to a relay, and to the relay of which region."""

from collections.abc import Collection
from typing import Final

from smartdns.answering.knowledge import Knowledge, RelayAddresses
from smartdns.answering.numbers import AAAA, ANY, CLASS_IN, EDE_FORGED, HTTPS, NOERROR, SVCB, A
from smartdns.answering.plan import ExtendedError, Forward, Record, Reply
from smartdns.answering.query import Name, Query, Question
from smartdns.answering.replies.records import minimal_any, nodata
from smartdns.contract.grants import OFF, Profile
from zones.catalog import ANY_REGION, Match, Service

TTL: Final = 60
_FORGED: Final = ExtendedError(EDE_FORGED)


def steer(
    query: Query, question: Question, profile: Profile, knowledge: Knowledge
) -> Reply | Forward | None:
    """Answer a name that leads to a relay for this household; None: the name is not steered.

    HTTPS and SVCB get NODATA: their hints, keys and h3 would bypass the relay. A type that has
    nothing to do with addresses is forwarded, but the reply must not deny the name as a whole.
    """
    match = knowledge.catalog.find(question.name)
    if match is None or (relay := relay_for(match.service, profile, knowledge)) is None:
        return None
    if question.type in {A, AAAA, HTTPS, SVCB, ANY}:
        return _steered(question, match, relay)
    edns = query.edns
    dnssec_ok = edns is not None and edns.dnssec_ok
    return Forward(question, dnssec_ok, query.checking_disabled, nxdomain_is_nodata=True)


def _steered(question: Question, match: Match, relay: RelayAddresses) -> Reply:
    if question.type == ANY:
        return Reply(NOERROR, (minimal_any(question.name, TTL),), error=_FORGED, constant=True)
    return address_reply(question, relay, TTL, Name(match.owner), _FORGED)


def address_reply(
    question: Question, relay: RelayAddresses, ttl: int, owner: Name, error: ExtendedError | None
) -> Reply:
    """The relay's addresses of the family that was asked for, or NODATA with `owner`'s SOA."""
    addresses = {A: relay.ipv4, AAAA: relay.ipv6}.get(question.type, ())
    if not addresses:
        return nodata(owner, ttl, error)
    records = tuple(
        Record(question.name, question.type, CLASS_IN, ttl, address) for address in addresses
    )
    return Reply(NOERROR, records, error=error, constant=True)


def relay_for(service: Service, profile: Profile, knowledge: Knowledge) -> RelayAddresses | None:
    """Give the relay of the household's region for a service; None: forward."""
    region = region_for(service, profile, knowledge.relays)
    return None if region is None else _relay_of(region, knowledge)


def region_for(service: Service, profile: Profile, relayed: Collection[str]) -> str | None:
    """Give the region in which a household gets a service; None: the service is not steered.

    `relayed`: the regions that have a relay. A chosen region without a relay is not replaced:
    another region would show another catalogue than the household chose.
    """
    any_has_one = ANY_REGION in relayed
    region = profile.services.get(service.name)
    if region is None:
        region = service.region_for(profile.region, () if any_has_one else relayed)
    if region is None or region == OFF or not (any_has_one or region in relayed):
        return None
    return region


def _relay_of(region: str, knowledge: Knowledge) -> RelayAddresses | None:
    return knowledge.relays.get(region) or knowledge.relays.get(ANY_REGION)
