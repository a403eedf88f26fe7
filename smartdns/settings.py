"""Settings of the data plane: each typed, with a default that works and its unit in its name."""

import functools
import ipaddress
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlsplit

from smartdns.answering.query import Name
from smartdns.contract.addresses import Address, SocketAddress, parse_address, parse_socket_address
from smartdns.contract.check_names import check_domain
from smartdns.contract.configuration import (
    Configuration,
    SettingError,
    parse_count,
    parse_switch,
    parse_table,
    parse_words,
)
from smartdns.contract.redis_url import parse_redis_url
from smartdns.relay.egress import Egress, parse_egresses
from smartdns.upstream.addresses import UpstreamAddress, parse_upstream, upstreams_of_resolv_conf
from zones.catalog import ANY_REGION
from zones.names import parse_name

T = TypeVar("T")

RESOLV_CONF = Path("/etc/resolv.conf")
_LOOPBACK = ipaddress.IPv4Address("127.0.0.1")


def _listen(text: str, default_port: int | None = None) -> tuple[SocketAddress, ...]:
    return tuple(parse_socket_address(word, default_port) for word in parse_words(text))


@dataclass(frozen=True, slots=True)
class DataPlaneSettings:
    """What resolver and relay are told; every field is one setting MEDIASTREAMER_<FIELD>."""

    redis_url: str = field(default="redis://127.0.0.1:6379/0", repr=False)
    """May hold a password."""
    allowlist_max_age_hours: int = 24
    """How long the last known allowlist holds without word from Redis; then nobody is let in."""

    dns_listen: tuple[SocketAddress, ...] = _listen("127.0.0.1:1053")
    """UDP and TCP; port 53 where none is given."""
    dns_tls_listen: tuple[SocketAddress, ...] = ()
    """DNS over TLS; by default the addresses of `dns_listen` with port 853, given a certificate."""
    dns_certificate: Path | None = None
    """PEM, the chain below it included."""
    dns_key: Path | None = None
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    run_as: str | None = None
    """User that the process becomes once its sockets are bound."""
    fast_path: bool = True

    upstreams: tuple[UpstreamAddress, ...] = ()
    """By default those of /etc/resolv.conf."""
    forward_suffixes: Mapping[str, tuple[UpstreamAddress, ...]] = field(default_factory=dict)
    """Suffix -> whom to ask for it instead: a home's own domain and its router."""
    exchanges_in_flight: int = 2_000
    """Questions that one worker asks upstream at the same time."""
    cache_mib: int = 64
    """Memory for answers in one worker."""

    client_rate: int = 1_000
    """Queries a second of one granted network, with bursts of twice that, and as many again over
    TCP and TLS; 0: unlimited."""
    refused_rate: int = 20
    """Refusals a second to one /24 or /56 of strangers; 0: unlimited."""
    tcp_connections: int = 1_000
    """Of all clients together, in one worker."""
    tcp_connections_per_client: int = 50
    """In each worker that the client may meet: in one, where sockets are picked by source."""
    cookie_secret: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)
    """128 bits that all workers share, for server cookies (RFC 9018); made up if not given."""

    public_url: str | None = None
    check_addresses: tuple[Address, ...] = ()
    """Where the page is reached: what check names resolve to. Not needed where `public_url` has
    an address in place of a name."""
    check_origin: SocketAddress | None = None
    """CHECK_LISTEN of a registry: where a relay takes check names, so that a page can tell whether
    a device reaches it; None: nowhere."""
    block_private_relay: bool = True
    """iCloud Private Relay would lead around us; its names do not exist here."""
    filter_private_answers: bool = True
    """Private addresses in public answers are taken out (DNS rebinding)."""
    private_answer_suffixes: tuple[str, ...] = ()
    """Suffixes that may have private addresses all the same."""
    open_names: bool = False
    """The page's name and the connectivity checks are answered to strangers, too."""
    zones: tuple[Path, ...] = ()
    """Folders of services beside the built-in ones."""

    relay_tls_listen: tuple[SocketAddress, ...] = _listen("127.0.0.1:8443")
    relay_http_listen: tuple[SocketAddress, ...] = _listen("127.0.0.1:8080")
    relay_addresses: Mapping[str, tuple[Address, ...]] = field(
        default_factory=lambda: {ANY_REGION: (_LOOPBACK,)}
    )
    """Region, or "*" for any other -> what steered names resolve to."""
    relay_check_port: int = 443
    """Port at which a relay must take connections to be in the answers; 0: all are, always."""
    relay_exits: Mapping[str, Egress] = field(default_factory=lambda: parse_egresses({}))
    """Region, or "*" -> the way out; by default the ordinary one for every region."""
    relay_upstreams: Mapping[str, tuple[UpstreamAddress, ...]] = field(default_factory=dict)
    """Region, or "*" -> whom the relay asks for its origins; by default `upstreams`."""
    relay_private_origins: bool = False
    """The relay may connect to private and loopback origins: for a laboratory."""
    relay_origin_ports: tuple[int, int] = (443, 80)
    """Where origins speak TLS and HTTP; other than these only in a laboratory."""
    relay_idle_seconds: int = 600
    """A relayed connection without traffic ends; after a tenth of it where one side is done."""
    relay_connect_seconds: int = 10
    """For all addresses of an origin together."""
    relay_connections: int = 20_000
    """In one worker, as far as its descriptors suffice: two for each."""
    relay_connections_per_client: int = 512
    """Of one household, in each worker that it may meet: in one, where sockets are picked by
    source."""

    metrics: SocketAddress | None = None
    """Where the metrics are served; None: nowhere."""

    @property
    def public_host(self) -> str | None:
        """Host name of the page, to which the check names belong."""
        return None if self.public_url is None else urlsplit(self.public_url).hostname

    @property
    def check_host(self) -> Name | None:
        """What the check names are below; None where there is no page."""
        return None if self.public_url is None else Name(parse_name(check_domain(self.public_url)))


def read_settings(configuration: Configuration) -> DataPlaneSettings:
    """Type every setting of the data plane; SettingError names the one that is wrong."""
    defaults = DataPlaneSettings()
    values = {
        name: configuration.get(name, parse, getattr(defaults, name))
        for name, parse in _PARSERS.items()
    }
    if not values["upstreams"]:
        values["upstreams"] = _system_upstreams(RESOLV_CONF)
    if (values["dns_certificate"] is None) != (values["dns_key"] is None):
        raise SettingError(
            "MEDIASTREAMER_DNS_CERTIFICATE and MEDIASTREAMER_DNS_KEY: give both or neither"
        )
    if values["dns_certificate"] and not values["dns_tls_listen"]:
        hosts = dict.fromkeys(listen.address for listen in values["dns_listen"])
        values["dns_tls_listen"] = tuple(SocketAddress(host, 853) for host in hosts)
    if "relay_check_port" not in configuration.texts:
        values["relay_check_port"] = _port_of_own_relay(values) or defaults.relay_check_port
    return DataPlaneSettings(**values)


def _port_of_own_relay(values: Mapping[str, Any]) -> int | None:
    """Give the port of a relay on this machine, where that is what names are steered to."""
    steered_to = {a for addresses in values["relay_addresses"].values() for a in addresses}
    own = {listen.address: listen.port for listen in values["relay_tls_listen"]}
    ports = {own.get(address) for address in steered_to}
    return ports.pop() if len(ports) == 1 else None


def metrics_address(configuration: Configuration) -> SocketAddress | None:
    """Give where the metrics are served; that is the supervisor's part, and no worker's."""
    return configuration.get("metrics", _loopback, None)


def _system_upstreams(resolv_conf: Path) -> tuple[UpstreamAddress, ...]:
    """Give those of resolv.conf(5); none is no error yet, the relay alone may do without."""
    try:
        return upstreams_of_resolv_conf(resolv_conf.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        return ()


# How each setting is read; a ValueError's text follows the setting's name.


def _redis_url(text: str) -> str:
    parse_redis_url(text)
    return text


def _upstreams(text: str) -> tuple[UpstreamAddress, ...]:
    return tuple(parse_upstream(word) for word in parse_words(text))


def _upstreams_by_key(
    text: str, check_key: Callable[[str], object] = str
) -> Mapping[str, tuple[UpstreamAddress, ...]]:
    return _table(text, lambda words: tuple(parse_upstream(word) for word in words), check_key)


def _relay_addresses(text: str) -> Mapping[str, tuple[Address, ...]]:
    return _table(text, lambda words: tuple(ipaddress.ip_address(word) for word in words))


def _relay_exits(text: str) -> Mapping[str, Egress]:
    return parse_egresses(parse_table(text))


def _table(
    text: str, parse: Callable[[tuple[str, ...]], T], check_key: Callable[[str], object] = str
) -> Mapping[str, T]:
    table = parse_table(text)
    for key in table:
        check_key(key)
    return MappingProxyType({key: parse(words) for key, words in table.items()})


def _suffixes(text: str) -> tuple[str, ...]:
    for word in parse_words(text):
        parse_name(word)
    return parse_words(text)


def _two_ports(text: str) -> tuple[int, int]:
    words = parse_words(text)
    if len(words) != 2:
        raise ValueError("takes two ports, TLS's and HTTP's, such as 443,80")
    return _port(words[0]), _port(words[1])


def _positive(text: str) -> int:
    if (count := parse_count(text)) == 0:
        raise ValueError("takes a whole number, 1 or more")
    return count


def _port(text: str) -> int:
    if (port := parse_count(text)) > 65_535:
        raise ValueError("takes a port, 0 to 65535")
    return port


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise ValueError(f"takes a file, and {text} is none")
    return path


def _folders(text: str) -> tuple[Path, ...]:
    folders = tuple(Path(word) for word in parse_words(text))
    for folder in folders:
        if not folder.is_dir():
            raise ValueError(f"takes folders, and {folder} is none")
    return folders


def _secret(text: str) -> bytes:
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) != 16:
        raise ValueError("takes 32 hexadecimal digits")
    return secret


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("takes http://HOST[:PORT] or https://HOST[:PORT]")
    parse_name(check_domain(text))
    return text


def _loopback(text: str) -> SocketAddress:
    where = parse_socket_address(text)
    if not where.address.is_loopback:
        raise ValueError("takes a loopback ADDRESS:PORT, such as 127.0.0.1:9153")
    return where


_PARSERS: Mapping[str, Callable[[str], object]] = {
    "redis_url": _redis_url,
    "allowlist_max_age_hours": _positive,
    "dns_listen": functools.partial(_listen, default_port=53),
    "dns_tls_listen": _listen,
    "dns_certificate": _file,
    "dns_key": _file,
    "workers": _positive,
    "run_as": str,
    "fast_path": parse_switch,
    "upstreams": _upstreams,
    "forward_suffixes": functools.partial(_upstreams_by_key, check_key=parse_name),
    "exchanges_in_flight": _positive,
    "cache_mib": _positive,
    "client_rate": parse_count,
    "refused_rate": parse_count,
    "tcp_connections": _positive,
    "tcp_connections_per_client": _positive,
    "cookie_secret": _secret,
    "public_url": _url,
    "check_addresses": lambda text: tuple(parse_address(word) for word in parse_words(text)),
    "check_origin": parse_socket_address,
    "block_private_relay": parse_switch,
    "filter_private_answers": parse_switch,
    "private_answer_suffixes": _suffixes,
    "open_names": parse_switch,
    "zones": _folders,
    "relay_tls_listen": _listen,
    "relay_http_listen": _listen,
    "relay_addresses": _relay_addresses,
    "relay_check_port": _port,
    "relay_exits": _relay_exits,
    "relay_upstreams": _upstreams_by_key,
    "relay_private_origins": parse_switch,
    "relay_origin_ports": _two_ports,
    "relay_idle_seconds": _positive,
    "relay_connect_seconds": _positive,
    "relay_connections": _positive,
    "relay_connections_per_client": _positive,
    "metrics": _loopback,
}
