"""Settings of the registry: each has a type, a default that works, and its unit in its name."""

import enum
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from registry.actions.addresses.rules import DOUBTFUL, AddressRules, is_private, is_wide
from registry.database.url import check_url
from registry.own_addresses import gateways, networks_of_files
from smartdns.contract.addresses import (
    Address,
    AddressKind,
    Network,
    SocketAddress,
    kind_of,
    parse_address,
    parse_network,
    parse_socket_address,
)
from smartdns.contract.configuration import (
    Configuration,
    SettingError,
    parse_count,
    parse_switch,
    parse_table,
    parse_words,
)
from smartdns.contract.redis_url import parse_redis_url


class SignUp(enum.StrEnum):
    """Who can sign up on the web."""

    OPEN = "open"
    INVITATION = "invitation"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """The registry's settings; every field is one setting MEDIASTREAMER_<FIELD>."""

    database_url: str = field(default="sqlite:///registry.sqlite", repr=False)
    redis_url: str = field(default="redis://127.0.0.1:6379/0", repr=False)
    """Either URL may contain a password."""

    web_listen: tuple[SocketAddress, ...] = (parse_socket_address("127.0.0.1:8053"),)
    web_certificate: Path | None = None
    """PEM, followed by its chain."""
    web_key: Path | None = None
    public_url: str = "http://127.0.0.1:8053"
    """The address of the page, without a slash at its end; all links begin with it."""
    ipv4_host: str | None = None
    """Another name of the page, with IPv4 addresses only."""
    ipv6_host: str | None = None
    check_names: bool = False
    """With https: the page's certificate is valid for *.check.<host>, which the check needs."""
    check_listen: tuple[SocketAddress, ...] = ()
    """Where the picture of the check is served, for relays (see their CHECK_ORIGIN)."""
    trusted_proxies: tuple[Network, ...] = ()
    """The only peers whose X-Forwarded-For is used."""

    sign_up: SignUp = SignUp.CLOSED
    mail_url: str | None = None
    """smtp://[USER:PASSWORD@]HOST[:PORT] (STARTTLS), smtps://…, or a folder for mails."""
    mail_from: str | None = None
    """Sender of our mails; None: no-reply at the host of `public_url`."""
    secret_key: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    """The key that signs sessions and mailed links; all registry processes share it."""

    slot_limit: int = 5
    """Addresses (of each family) that one account can register at the same time."""
    private_sources: bool = False
    """Private and loopback addresses can be registered on the web."""
    ipv6_prefix: int = 64
    """Length of the prefix that one household has."""
    known_networks: Mapping[str, tuple[Path, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    """vpn, private-relay or mobile -> files with a network at the start of each line."""
    follow_hostnames: bool = False
    """Accounts can have DDNS host names followed: these claim an address without a proof."""

    dns_addresses: tuple[SocketAddress, ...] = ()
    """The DNS servers that the page tells people to enter."""
    relay_addresses: Mapping[str, tuple[Address, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    """Region, or "*" -> addresses of its relays; the page offers these regions."""
    zones: tuple[Path, ...] = ()
    """Folders with services in addition to the built-in ones."""

    @property
    def public_host(self) -> str:
        """Give the host name of the page."""
        return urlsplit(self.public_url).hostname or ""

    def address_rules(self) -> AddressRules:
        """Make the rules; this reads the operator's files and the routes of this machine."""
        ours = {a for addresses in self.relay_addresses.values() for a in addresses}
        ours |= {server.address for server in self.dns_addresses}
        if self.private_sources:  # this machine is in a household
            ours = {address for address in ours if kind_of(address) is AddressKind.GLOBAL}
        known = networks_of_files(self.known_networks)
        return AddressRules(
            private_allowed=self.private_sources,
            own=frozenset(ours | gateways()),
            known=known,
            ipv6_prefix=self.ipv6_prefix,
            slot_limit=self.slot_limit,
        )


def read_settings(configuration: Configuration) -> RegistrySettings:
    """Read every setting of the registry; SettingError names the one that is wrong."""
    defaults = RegistrySettings()
    values = {
        name: configuration.get(name, parse, getattr(defaults, name))
        for name, parse in _PARSERS.items()
    }
    if (values["web_certificate"] is None) != (values["web_key"] is None):
        raise SettingError(
            "MEDIASTREAMER_WEB_CERTIFICATE and MEDIASTREAMER_WEB_KEY: give both or neither"
        )
    return RegistrySettings(**values)


def _database_url(text: str) -> str:
    check_url(text)
    return text


def _redis_url(text: str) -> str:
    parse_redis_url(text)
    return text


def _public_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise ValueError("takes http://HOST or https://HOST")
    if parts.path not in {"", "/"} or parts.username or parts.fragment:
        raise ValueError("takes a scheme, a host and a port, and nothing else")
    return text.rstrip("/")


def _mail_url(text: str) -> str:
    parts = urlsplit(text)
    if "://" in text and (parts.scheme not in {"smtp", "smtps"} or not parts.hostname):
        raise ValueError("takes smtp://HOST, smtps://HOST or a folder")
    return text


def _host(text: str) -> str:
    if "/" in text or ":" in text or not text.isascii():
        raise ValueError("takes a host name without scheme and port")
    return text.lower().rstrip(".")


def _secret(text: str) -> str:
    if len(text) < 32:
        raise ValueError("takes 32 or more random characters")
    return text


def _sign_up(text: str) -> SignUp:
    try:
        return SignUp(text.lower())
    except ValueError:
        raise ValueError("takes open, invitation or closed") from None


def _ipv6_prefix(text: str) -> int:
    length = parse_count(text)
    if not 48 <= length <= 128:
        raise ValueError("takes a prefix length from 48 to 128")
    return length


def _slot_limit(text: str) -> int:
    limit = parse_count(text)
    if not 1 <= limit <= 1000:
        raise ValueError("takes a number from 1 to 1000")
    return limit


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(
        parse_network(w) if "/" in w else _one(parse_address(w)) for w in parse_words(text)
    )


def _proxies(text: str) -> tuple[Network, ...]:
    networks = _networks(text)
    for network in networks:
        if is_wide(network) and not is_private(network):
            raise ValueError(
                f"names {network}: anybody with an address in it could register any address for "
                "anybody; public networks wider than /24 (IPv6: /48) are refused, so name the "
                "addresses of the proxies only"
            )
    return networks


def _one(address: Address) -> Network:
    return parse_network(f"{address}/{address.max_prefixlen}")


def _sockets(default_port: int | None) -> Callable[[str], tuple[SocketAddress, ...]]:
    return lambda text: tuple(parse_socket_address(w, default_port) for w in parse_words(text))


def _relays(text: str) -> Mapping[str, tuple[Address, ...]]:
    table = parse_table(text)
    return MappingProxyType({k: tuple(parse_address(v) for v in w) for k, w in table.items()})


def _files(text: str) -> tuple[Path, ...]:
    return tuple(Path(word) for word in parse_words(text))


def _known(text: str) -> Mapping[str, tuple[Path, ...]]:
    table = parse_table(text)
    if unknown := set(table) - set(DOUBTFUL):
        raise ValueError(f"knows {', '.join(DOUBTFUL)}; not {', '.join(sorted(unknown))}")
    return MappingProxyType({word: tuple(map(Path, files)) for word, files in table.items()})


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "database_url": _database_url,
    "redis_url": _redis_url,
    "web_listen": _sockets(None),
    "web_certificate": Path,
    "web_key": Path,
    "public_url": _public_url,
    "ipv4_host": _host,
    "ipv6_host": _host,
    "check_names": parse_switch,
    "check_listen": _sockets(None),
    "trusted_proxies": _proxies,
    "sign_up": _sign_up,
    "mail_url": _mail_url,
    "mail_from": str,
    "secret_key": _secret,
    "slot_limit": _slot_limit,
    "private_sources": parse_switch,
    "ipv6_prefix": _ipv6_prefix,
    "known_networks": _known,
    "follow_hostnames": parse_switch,
    "dns_addresses": _sockets(53),
    "relay_addresses": _relays,
    "zones": _files,
}
