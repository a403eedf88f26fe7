"""Egress of a relay: how the origins of a region are reached."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes, urlsplit

from smartdns.contract.addresses import SocketAddress, parse_socket_address
from smartdns.upstream.addresses import UpstreamAddress
from smartdns.upstream.egress import ORDINARY, Direct
from zones.catalog import ANY_REGION

DIRECT = "direct"
_INTERFACE = re.compile(r"[A-Za-z][A-Za-z0-9_.@-]{0,14}")


@dataclass(frozen=True, slots=True, repr=False)
class Socks5:
    """Connect through a SOCKS5 server, which resolves the name too."""

    server: SocketAddress
    credentials: tuple[bytes, bytes] | None = None
    """User and password."""


Egress = Direct | Socks5


def parse_egresses(table: Mapping[str, tuple[str, ...]]) -> Mapping[str, Egress]:
    """Give the egress of each region; an empty table: every region has the ordinary one.

    Raises ValueError that says what is taken.
    """
    if not table:
        return {ANY_REGION: ORDINARY}
    return {region: _parse_egress(words) for region, words in table.items()}


def egresses_and_upstreams(
    egresses: Mapping[str, Egress],
    own: Mapping[str, tuple[UpstreamAddress, ...]],
    ordinary: tuple[UpstreamAddress, ...],
) -> tuple[Mapping[str, Egress], Mapping[str, tuple[UpstreamAddress, ...]]]:
    """Give the egress of each region, and the upstreams that it asks by that same egress.

    `own`: the upstreams of a region, or of `ANY_REGION`; other regions ask the `ordinary` ones. A
    region that leaves by SOCKS5 asks none. Raises ValueError that says what is wrong with a
    region's upstreams.
    """
    by_region: dict[str, Egress] = {}
    asked: dict[str, tuple[UpstreamAddress, ...]] = {}
    for region in dict.fromkeys((*egresses, *(region for region in own if region != ANY_REGION))):
        egress = egresses.get(region) or egresses.get(ANY_REGION)
        if egress is None:
            raise ValueError(f"{region} has no way out in MEDIASTREAMER_RELAY_EXITS")
        by_region[region] = egress
        if isinstance(egress, Direct):
            named = own.get(region) or own.get(ANY_REGION) or ordinary
            reached = (upstream.asked_by(egress) for upstream in named)
            asked[region] = tuple(upstream for upstream in reached if upstream is not None)
            if not asked[region]:
                raise ValueError(f"{region} needs a resolver that its way out reaches")
        elif region in own and region != ANY_REGION:
            raise ValueError(f"{region} leaves by SOCKS5, where names are resolved already")
    return by_region, asked


def _parse_egress(words: tuple[str, ...]) -> Egress:
    if words == (DIRECT,):
        return ORDINARY
    if words[0].startswith("socks5://") and len(words) == 1:
        return _parse_socks5(words[0])
    found: dict[str, str] = {}
    for word in words:
        kind = _kind(word)
        if kind in found:
            raise ValueError("takes one address of each family and one interface for a region")
        found[kind] = word
    return Direct(**found)


def _kind(word: str) -> str:
    try:
        return f"ipv{ipaddress.ip_address(word).version}"
    except ValueError:
        if _INTERFACE.fullmatch(word):
            return "interface"
    raise ValueError(
        "takes REGION=direct, REGION=ADDRESS[,ADDRESS], REGION=INTERFACE "
        "or REGION=socks5://[USER:PASSWORD@]ADDRESS:PORT"
    )


def _parse_socks5(url: str) -> Socks5:
    parts = urlsplit(url)
    where = parts.netloc.rpartition("@")[2]
    server = parse_socket_address(where, default_port=1080)
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError("takes socks5://[USER:PASSWORD@]ADDRESS:PORT and nothing after it")
    if parts.username is None:
        return Socks5(server)
    user = unquote_to_bytes(parts.username)
    password = unquote_to_bytes(parts.password or "")
    if not 0 < len(user) < 256 or not 0 < len(password) < 256:
        raise ValueError("takes a SOCKS5 user and a password of 1 to 255 octets each")
    return Socks5(server, (user, password))
