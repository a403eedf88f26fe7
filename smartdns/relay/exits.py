"""Ways out of a relay: how a region's origins are reached."""

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


Exit = Direct | Socks5


def parse_exits(table: Mapping[str, tuple[str, ...]]) -> Mapping[str, Exit]:
    """Give the exit of each region; none given: every region, by the ordinary way.

    Raises ValueError, saying what is taken.
    """
    if not table:
        return {ANY_REGION: ORDINARY}
    return {region: _parse_exit(words) for region, words in table.items()}


def exits_and_upstreams(
    exits: Mapping[str, Exit],
    own: Mapping[str, tuple[UpstreamAddress, ...]],
    ordinary: tuple[UpstreamAddress, ...],
) -> tuple[Mapping[str, Exit], Mapping[str, tuple[UpstreamAddress, ...]]]:
    """Give the exit of each region, and by whom it looks names up: asked by that very exit.

    `own`: the upstreams of a region, or of `ANY_REGION`; others have the `ordinary` ones. A
    SOCKS5 exit has none. Raises ValueError, saying what is wrong with a region's upstreams.
    """
    ways: dict[str, Exit] = {}
    asked: dict[str, tuple[UpstreamAddress, ...]] = {}
    for region in dict.fromkeys((*exits, *(region for region in own if region != ANY_REGION))):
        exit_ = exits.get(region) or exits.get(ANY_REGION)
        if exit_ is None:
            raise ValueError(f"{region} has no way out in MEDIASTREAMER_RELAY_EXITS")
        ways[region] = exit_
        if isinstance(exit_, Direct):
            named = own.get(region) or own.get(ANY_REGION) or ordinary
            reached = (upstream.asked_by(exit_) for upstream in named)
            asked[region] = tuple(upstream for upstream in reached if upstream is not None)
            if not asked[region]:
                raise ValueError(f"{region} needs a resolver that its way out reaches")
        elif region in own and region != ANY_REGION:
            raise ValueError(f"{region} leaves by SOCKS5, where names are resolved already")
    return ways, asked


def _parse_exit(words: tuple[str, ...]) -> Exit:
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
