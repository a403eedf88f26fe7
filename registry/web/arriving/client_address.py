"""Determining the client's address of a request.

It is the address of the connection's other end, the peer. Only if the operator has named the peer
as a proxy (`TRUSTED_PROXIES`), the header X-Forwarded-For is read, from right to left: the first
address that is not a named proxy is the client's. If there is none, or a hop is empty, the request
is refused. No other header is ever used.
"""

from collections.abc import Collection, Sequence

from smartdns.contract.addresses import Address, AddressKind, Network, kind_of, parse_address

FORWARDING_HEADERS = frozenset(
    {
        "x-forwarded-for",
        "forwarded",
        "x-real-ip",
        "x-client-ip",
        "true-client-ip",
        "cf-connecting-ip",
        "cf-connecting-ipv6",
        "fastly-client-ip",
        "x-cluster-client-ip",
    }
)
"""Lower-case names of the headers in which proxies write a client's address."""


class ClientAddressError(ValueError):
    """The address cannot be determined; the text says what the operator must set."""


def find_client_address(
    peer: str, forwarded_for: str, carried: Collection[str], trusted: Sequence[Network]
) -> Address:
    """Give the address that a request was sent from, or raise ClientAddressError.

    `peer`: the other end of the connection; `forwarded_for`: all X-Forwarded-For values joined by
    commas, "" for none; `carried`: lower-case names of the request's forwarding headers;
    `trusted`: the proxies that the operator has named.
    """
    address = _address(peer.partition("%")[0])
    if not _named(address, trusted):
        # If the operator forgot the setting, everybody would register the proxy's own address.
        if kind_of(address) is AddressKind.LOOPBACK and not FORWARDING_HEADERS.isdisjoint(carried):
            raise ClientAddressError(
                "the request came through a proxy on this machine that is not named: "
                "set MEDIASTREAMER_TRUSTED_PROXIES to its address"
            )
        return address
    if not forwarded_for.strip():
        raise ClientAddressError(
            "a named proxy sent no X-Forwarded-For: set that header to the client's address there"
        )
    hops = [hop.strip() for hop in forwarded_for.split(",")]
    if not all(hops):
        raise ClientAddressError("X-Forwarded-For of a named proxy has an empty entry")
    for hop in reversed(hops):
        address = _address(_without_port(hop))
        if not _named(address, trusted):
            return address
    raise ClientAddressError(
        "every address in X-Forwarded-For is that of a named proxy, so there is no client's: "
        "MEDIASTREAMER_TRUSTED_PROXIES must name proxies only"
    )


def _named(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted if network.version == address.version)


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except ValueError:
        raise ClientAddressError(
            "X-Forwarded-For of a named proxy contains something that is not an address"
        ) from None


def _without_port(hop: str) -> str:
    """Remove the port of `192.0.2.1:80` or `[2001:db8::1]:80`, which some proxies write."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
