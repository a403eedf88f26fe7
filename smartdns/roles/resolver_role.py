"""Composition of a resolver: settings in, the service of a worker out."""

import functools
import time
from collections.abc import Mapping, Sequence
from typing import TypeVar

from twisted.internet.posixbase import PosixReactorBase

from smartdns.allowlist.mirror import Mirror
from smartdns.answering.concluding import conclude, stale
from smartdns.answering.knowledge import ALWAYS_PRIVATE, Knowledge, RelayAddresses, Switches
from smartdns.answering.memory.cache import Cache
from smartdns.answering.names import ROOT
from smartdns.answering.plan import Forward, Reply
from smartdns.answering.query import Name
from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.answering.rules.rate_limit import RateLimiter
from smartdns.answering.rules.relay_health import by_family, relays_to_answer
from smartdns.contract.addresses import Address
from smartdns.contract.check_names import address_of
from smartdns.resolver.listeners import Listeners
from smartdns.resolver.relay_watcher import RelayWatcher
from smartdns.resolver.responder import Limits, Responder
from smartdns.resolver.stream_limits import StreamLimits
from smartdns.resolver.tls import ServerContext
from smartdns.roles.role import Role, Sockets, allowlist_of, installed_reactor
from smartdns.settings import DataPlaneSettings
from smartdns.upstream.forwarder import Forwarder
from smartdns.upstream.watcher import UpstreamWatcher
from zones.load import catalog_of
from zones.names import parse_name

READY_SOCKETS = 32
"""Kept open for the next cache misses; a burst of more opens its own."""

V = TypeVar("V")


def resolver_service(
    settings: DataPlaneSettings, reactor: PosixReactorBase | None = None, *, workers_met: int = 1
) -> Role:
    """Make a worker of the resolver; once open it answers, and refuses till it knows.

    `workers_met`: one household may meet so many workers, among which its rates are split.
    """
    reactor = reactor or installed_reactor()
    mirror, follower = allowlist_of(settings)
    knowledge = knowledge_of(settings, mirror)
    forwarder = Forwarder(
        reactor,
        settings.upstreams,
        functools.partial(_conclude, knowledge),
        _by_name(settings.forward_suffixes),
        settings.exchanges_in_flight,
        functools.partial(_stand_in, knowledge),
        READY_SOCKETS,
    )
    responder = Responder(knowledge, forwarder, limits_of(settings, workers_met))
    mirror.on_change(lambda _: responder.grants_changed())
    streams = StreamLimits(settings.tcp_connections, settings.tcp_connections_per_client)
    tls = _tls(settings)

    def listeners(sockets: Sockets) -> Listeners:
        return Listeners(reactor, responder, sockets, streams, tls, fast=settings.fast_path)

    def relays_changed(relays: dict[str, RelayAddresses]) -> None:
        knowledge.relays = relays
        responder.knowledge_changed()

    relays = RelayWatcher(
        reactor, settings.relay_addresses, settings.relay_check_port, relays_changed
    )
    asked_about = {apex: forwarder.group_for(apex) for apex in (ROOT, *forwarder.suffixes)}
    upstreams = UpstreamWatcher(reactor, asked_about, settings.cookie_secret)
    role = Role(follower, listeners, (relays, upstreams), forwarder)
    role.knowledge = knowledge
    return role


def knowledge_of(settings: DataPlaneSettings, mirror: Mirror) -> Knowledge:
    """Gather what a decision may look at, as it is before anything was heard or asked."""
    catalog = catalog_of(settings.zones)
    host = _host_name(settings)
    apart = frozenset(_by_name(settings.forward_suffixes))
    open_names = set(map(Name, catalog.never)) | ({host} if host else set())
    return Knowledge(
        allowlist=mirror,
        catalog=catalog,
        relays=relays_to_answer(settings.relay_addresses),
        cache=Cache(settings.cache_mib << 20, apart),
        cookie_secret=settings.cookie_secret,
        check_host=settings.check_host,
        check_addresses=by_family(_check_addresses(settings)),
        switches=Switches(
            block_private_relay=settings.block_private_relay,
            filter_private_answers=settings.filter_private_answers,
            private_suffixes=apart
            | ALWAYS_PRIVATE
            | {Name(parse_name(suffix)) for suffix in settings.private_answer_suffixes},
            open_names=frozenset(open_names) if settings.open_names else frozenset(),
        ),
    )


def limits_of(settings: DataPlaneSettings, workers_met: int) -> Limits:
    """Give a worker its share of what a network may ask: all of it where it meets no other."""
    client = settings.client_rate / workers_met
    refused = settings.refused_rate / workers_met
    return Limits(RateLimiter(client, 2 * client), RateLimiter(refused, 2 * refused))


def _conclude(knowledge: Knowledge, plan: Forward, said: UpstreamReply | None) -> Reply:
    return conclude(plan, said, knowledge, time.monotonic())


def _stand_in(knowledge: Knowledge, plan: Forward) -> Reply | None:
    return stale(plan, knowledge, time.monotonic())


def _by_name(table: Mapping[str, V]) -> dict[Name, V]:
    return {Name(parse_name(suffix)): value for suffix, value in table.items()}


def _host_name(settings: DataPlaneSettings) -> Name | None:
    """Give the page's host name, unless it has none but its address."""
    try:
        return Name(parse_name(settings.public_host)) if settings.public_host else None
    except ValueError:
        return None


def _check_addresses(settings: DataPlaneSettings) -> Sequence[Address]:
    own = address_of(settings.public_url or "")
    return settings.check_addresses or ((own,) if own else ())


def _tls(settings: DataPlaneSettings) -> ServerContext | None:
    if settings.dns_certificate is None or settings.dns_key is None:
        return None
    return ServerContext(settings.dns_certificate, settings.dns_key)
