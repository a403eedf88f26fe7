"""Composition of a relay: settings in, the service of a worker out."""

import resource
from collections.abc import Mapping, Sequence

from twisted.internet.posixbase import PosixReactorBase

from smartdns.answering.names import ROOT
from smartdns.contract.configuration import SettingError
from smartdns.process.event_loop import loop_of
from smartdns.relay.admission import Admission, CheckOrigin, OriginRules, RelayLimits
from smartdns.relay.egress import egresses_and_upstreams
from smartdns.relay.listener import Listening, http_port, tls_port
from smartdns.relay.origins import Origins
from smartdns.relay.service import RelayService
from smartdns.roles.role import Role, Sockets, allowlist_of, installed_reactor
from smartdns.settings import DataPlaneSettings
from smartdns.upstream.forwarder import Forwarder
from smartdns.upstream.look_up import LookUp, addresses_in
from smartdns.upstream.watcher import UpstreamWatcher
from zones.catalog import ANY_REGION, Catalog
from zones.load import catalog_of


def relay_service(settings: DataPlaneSettings, reactor: PosixReactorBase | None = None) -> Role:
    """Make a worker of the relay; once open it accepts as soon as the allowlist was read."""
    catalog = catalog_of(settings.zones)
    _check_regions("RELAY_EXITS", settings.relay_exits, catalog)
    _check_regions("RELAY_UPSTREAMS", settings.relay_upstreams, catalog)
    try:
        egresses, upstreams = egresses_and_upstreams(
            settings.relay_exits, settings.relay_upstreams, settings.upstreams
        )
    except ValueError as error:
        raise SettingError(f"MEDIASTREAMER_RELAY_UPSTREAMS: {error}") from None
    reactor = reactor or installed_reactor()
    mirror, follower = allowlist_of(settings)
    forwarders = {
        asked: Forwarder(reactor, asked, addresses_in) for asked in set(upstreams.values())
    }

    def relay(sockets: Sockets) -> RelayService:
        listening = _listening(settings, sockets)
        rules = _origin_rules(settings, listening)
        found = {
            asked: Origins(LookUp(forwarder), rules, reactor.seconds)
            for asked, forwarder in forwarders.items()
        }
        origins = {region: found[asked] for region, asked in upstreams.items()}
        admission = Admission(
            mirror, catalog, egresses, tuple(settings.relay_addresses), _check_origin(settings),
            _relay_limits(settings),
        )  # fmt: skip
        return RelayService(loop_of(reactor), admission, origins, listening)

    watchers = [
        UpstreamWatcher(reactor, {ROOT: forwarder.group_for(ROOT)}, None)
        for forwarder in forwarders.values()
    ]
    return Role(follower, relay, watchers, *forwarders.values())


def _listening(settings: DataPlaneSettings, sockets: Sockets) -> list[Listening]:
    tls, http = settings.relay_origin_ports
    return [
        Listening(bound, port)
        for name, port in (("relay-tls", tls_port(tls)), ("relay-http", http_port(http)))
        for bound in sockets.get(name, ())
    ]


def _check_regions(setting: str, table: Mapping[str, object], catalog: Catalog) -> None:
    if unknown := set(table) - set(catalog.regions) - {ANY_REGION}:
        raise SettingError(
            f"MEDIASTREAMER_{setting}: there is no region {', '.join(sorted(unknown))}; "
            f"there are {', '.join(sorted(catalog.regions))}, and {ANY_REGION} for any other"
        )


def _check_origin(settings: DataPlaneSettings) -> CheckOrigin | None:
    host, origin = settings.check_host, settings.check_origin
    return None if host is None or origin is None else CheckOrigin(host, origin)


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
