"""Composition root of the data plane: settings and bound sockets in, a role's service out."""

import functools
import resource
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.posixbase import PosixReactorBase

from smartdns.allowlist.follower import Follower
from smartdns.allowlist.mirror import Mirror
from smartdns.allowlist.redis_feed import RedisFeed
from smartdns.answering.cache import Cache
from smartdns.answering.concluding import conclude
from smartdns.answering.knowledge import ALWAYS_PRIVATE, Knowledge, RelayAddresses, Switches
from smartdns.answering.names import name_of
from smartdns.answering.plan import Forward, Reply
from smartdns.answering.query import Name
from smartdns.answering.rate_limit import RateLimiter
from smartdns.answering.relay_health import by_family, relays_to_answer
from smartdns.answering.upstream_reply import UpstreamReply
from smartdns.contract.addresses import Address
from smartdns.contract.check_names import address_of, check_domain
from smartdns.contract.configuration import SettingError
from smartdns.event_loop import loop_of
from smartdns.explaining import explain
from smartdns.relay.destinations import OriginRules
from smartdns.relay.dns import Origins
from smartdns.relay.exits import ANY_REGION, exits_and_upstreams
from smartdns.relay.service import RelayService, http_port, tls_port
from smartdns.relay.session import CheckOrigin
from smartdns.relay.session import Knowledge as RelayKnowledge
from smartdns.relay.session import Limits as RelayLimits
from smartdns.relay.tcp import Listening
from smartdns.resolver.listeners import Listeners
from smartdns.resolver.relay_watcher import RelayWatcher
from smartdns.resolver.responder import Limits, Responder
from smartdns.resolver.tcp import StreamLimits
from smartdns.resolver.tls import ServerContext
from smartdns.settings import DataPlaneSettings
from smartdns.upstream.forwarder import Forwarder
from smartdns.upstream.look_up import LookUp, addresses_in
from smartdns.upstream.watcher import UpstreamWatcher
from zones.catalog import Catalog
from zones.load import load_catalog
from zones.names import parse_name

V = TypeVar("V")

Sockets = Mapping[str, Sequence[socket.socket]]
"""Bound sockets by what they are for: udp, tcp, tls; relay-tls, relay-http."""


class Role(MultiService):
    """One worker of a role: its front, and what that depends on."""

    def __init__(
        self, follower: Follower, front: Listeners | RelayService, *parts: IService
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.knowledge: Knowledge | None = None
        """What a resolver decides by."""
        self._follower = follower
        self._front = front
        self._watchers = [
            part for part in parts if isinstance(part, RelayWatcher | UpstreamWatcher)
        ]
        for part in (follower, *parts, front):
            part.setServiceParent(self)  # type: ignore[no-untyped-call]

    def report(self) -> dict[str, object]:
        """Say how far it is; nothing in here comes from a query.

        "trouble" has lines for people, "failed" one where there is no use in waiting, "allowlist"
        how the following goes.
        """
        mirror = self._follower.mirror
        front = self._front.report()
        trouble = [line for watcher in self._watchers for line in watcher.trouble()]
        probed = all(watcher.ready for watcher in self._watchers)
        failed = next((w.failed() for w in self._watchers if w.failed()), None)
        return {
            **front,
            "epoch": None if mirror.head is None else mirror.head.epoch,
            "position": None if mirror.head is None else mirror.head.position,
            "loaded": mirror.loaded,
            "ready": bool(mirror.loaded and front["ready"] and failed is None and probed),
            "allowlist": self._follower.trouble or "followed",
            "trouble": trouble,
            "failed": failed,
        }

    def metrics(self) -> dict[str, float]:
        """Give what may be counted (`telemetry.metrics`)."""
        return {
            **(self._front.metrics() if isinstance(self._front, Listeners) else {}),
            "ready": float(bool(self.report()["ready"])),
            "troubles": sum(len(watcher.trouble()) for watcher in self._watchers),
        }

    def explain(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Say what this worker makes of an address and a name; an operator asks."""
        return explain(question, self._follower.mirror, self.knowledge, time.monotonic())

    def stopService(self) -> Deferred[None]:
        """Let the front finish what is in flight before anything that it needs ends."""
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await maybeDeferred(self._front.disownServiceParent)
        await maybeDeferred(super().stopService)


def resolver_service(
    settings: DataPlaneSettings, sockets: Sockets, reactor: PosixReactorBase | None = None
) -> Role:
    """Make a worker of the resolver; it answers from its start on, and refuses till it knows."""
    reactor = reactor or _installed_reactor()
    mirror, follower = _allowlist(settings)
    knowledge = knowledge_of(settings, mirror)
    forwarder = Forwarder(
        reactor,
        settings.upstreams,
        functools.partial(_conclude, knowledge),
        _by_name(settings.forward_suffixes),
        settings.exchanges_in_flight,
    )
    responder = Responder(knowledge, forwarder, limits_of(settings), settings.cookie_secret)
    mirror.on_change(lambda _: responder.grants_changed())
    streams = StreamLimits(settings.tcp_connections, settings.tcp_connections_per_client)
    listeners = Listeners(
        reactor, responder, sockets, streams, _tls(settings), fast=settings.fast_path
    )

    def relays_changed(relays: dict[str, RelayAddresses]) -> None:
        knowledge.relays = relays
        responder.knowledge_changed()

    relays = RelayWatcher(
        reactor, settings.relay_addresses, settings.relay_check_port, relays_changed
    )
    upstreams = UpstreamWatcher(reactor, forwarder.upstreams, settings.cookie_secret)
    role = Role(follower, listeners, forwarder, relays, upstreams)
    role.knowledge = knowledge
    return role


def relay_service(
    settings: DataPlaneSettings, sockets: Sockets, reactor: PosixReactorBase | None = None
) -> Role:
    """Make a worker of the relay; it accepts once the allowlist was read."""
    catalog = load_catalog(settings.zones)
    _check_regions("RELAY_EXITS", settings.relay_exits, catalog)
    _check_regions("RELAY_UPSTREAMS", settings.relay_upstreams, catalog)
    try:
        exits, upstreams = exits_and_upstreams(
            settings.relay_exits, settings.relay_upstreams, settings.upstreams
        )
    except ValueError as error:
        raise SettingError(f"MEDIASTREAMER_RELAY_UPSTREAMS: {error}") from None
    reactor = reactor or _installed_reactor()
    mirror, follower = _allowlist(settings)
    tls, http = settings.relay_origin_ports
    listening = [
        Listening(bound, port)
        for name, port in (("relay-tls", tls_port(tls)), ("relay-http", http_port(http)))
        for bound in sockets.get(name, ())
    ]
    rules = _origin_rules(settings, listening)
    forwarders = {
        asked: Forwarder(reactor, asked, addresses_in) for asked in set(upstreams.values())
    }
    found = {
        asked: Origins(LookUp(forwarder), rules, reactor.seconds)
        for asked, forwarder in forwarders.items()
    }
    front = RelayService(
        loop_of(reactor),
        RelayKnowledge(
            mirror, catalog, exits, tuple(settings.relay_addresses), _check_origin(settings)
        ),
        {region: found[asked] for region, asked in upstreams.items()},
        listening,
        _relay_limits(settings),
    )
    return Role(follower, front, *forwarders.values())


def _check_regions(setting: str, table: Mapping[str, object], catalog: Catalog) -> None:
    if unknown := set(table) - set(catalog.regions) - {ANY_REGION}:
        raise SettingError(
            f"MEDIASTREAMER_{setting}: there is no region {', '.join(sorted(unknown))}; "
            f"there are {', '.join(sorted(catalog.regions))}, and {ANY_REGION} for any other"
        )


def _check_origin(settings: DataPlaneSettings) -> CheckOrigin | None:
    if settings.public_url is None or settings.check_origin is None:
        return None
    return CheckOrigin(name_of(check_domain(settings.public_url)), settings.check_origin)


def _tls(settings: DataPlaneSettings) -> ServerContext | None:
    if settings.dns_certificate is None or settings.dns_key is None:
        return None
    return ServerContext(settings.dns_certificate, settings.dns_key)


def _allowlist(settings: DataPlaneSettings) -> tuple[Mirror, Follower]:
    mirror = Mirror(keep_for_s=settings.allowlist_max_age_hours * 3600.0)
    return mirror, Follower(mirror, RedisFeed(settings.redis_url))


def _relay_limits(settings: DataPlaneSettings) -> RelayLimits:
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return RelayLimits(
        connect=settings.relay_connect_seconds,
        idle=settings.relay_idle_seconds,
        half_closed=settings.relay_idle_seconds / 10,
        connections=settings.relay_connections,
        connections_per_client=settings.relay_connections_per_client,
    ).within(descriptors)


def _origin_rules(settings: DataPlaneSettings, listening: Sequence[Listening]) -> OriginRules:
    own = {address for group in settings.relay_addresses.values() for address in group}
    return OriginRules(
        frozenset(own),
        frozenset(one.bound_to for one in listening),
        settings.relay_private_origins,
    )


def knowledge_of(settings: DataPlaneSettings, mirror: Mirror) -> Knowledge:
    """Gather what a decision may look at, as it is before anything was heard or asked."""
    catalog = load_catalog(settings.zones)
    host = _host_name(settings)
    apart = frozenset(_by_name(settings.forward_suffixes))
    open_names = set(map(Name, catalog.never)) | ({host} if host else set())
    return Knowledge(
        allowlist=mirror,
        catalog=catalog,
        relays=relays_to_answer(settings.relay_addresses),
        cache=Cache(settings.cache_mib << 20, apart),
        check_host=name_of(check_domain(url)) if (url := settings.public_url) else None,
        check_addresses=by_family(_check_addresses(settings)),
        switches=Switches(
            block_private_relay=settings.block_private_relay,
            filter_private_answers=settings.filter_private_answers,
            private_suffixes=apart
            | ALWAYS_PRIVATE
            | {name_of(s) for s in settings.private_answer_suffixes},
            open_names=frozenset(open_names) if settings.open_names else frozenset(),
        ),
    )


def limits_of(settings: DataPlaneSettings) -> Limits:
    """Split what a network may ask among the workers, over which the kernel spreads it."""
    client = settings.client_rate / settings.workers
    refused = settings.refused_rate / settings.workers
    return Limits(RateLimiter(client, 2 * client), RateLimiter(refused, 2 * refused))


def _conclude(knowledge: Knowledge, plan: Forward, said: UpstreamReply | None) -> Reply:
    return conclude(plan, said, knowledge, time.monotonic())


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


def _installed_reactor() -> PosixReactorBase:
    from twisted.internet import reactor  # noqa: PLC0415 - importing it installs one

    return reactor  # type: ignore[return-value]
