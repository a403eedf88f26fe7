"""The one answer to "whose address is this?", for a request and the headers it carries.

The peer's own address counts, whatever any header says, unless the operator named that peer as a
proxy (`TRUSTED_PROXIES`). Then `X-Forwarded-For` is read from the right, past every hop that is
named as well: the first that is not is the client. No other header counts, ever.
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
"""Lower-case names of headers by which proxies tell a client's address."""


class ClientAddressError(ValueError):
    """The address cannot be known; the text tells the operator what to set, and has no address."""


def find_client_address(
    peer: str, forwarded_for: str, carried: Collection[str], trusted: Sequence[Network]
) -> Address:
    """Give the address that a request was sent from.

    `peer`: the other end of the connection; `forwarded_for`: all X-Forwarded-For values joined by
    commas, "" for none; `carried`: lower-case names of the request's headers; `trusted`: the
    proxies that the operator named. ClientAddressError when nobody can tell.
    """
    address = _address(peer.partition("%")[0])
    if not _named(address, trusted):
        # A forgotten setting would otherwise register the proxy's own address for everybody.
        if kind_of(address) is AddressKind.LOOPBACK and not FORWARDING_HEADERS.isdisjoint(carried):
            raise ClientAddressError(
                "the request came through a proxy on this machine that is not named: "
                "set MEDIASTREAMER_TRUSTED_PROXIES to its address"
            )
        return address
    hops = [hop.strip() for hop in forwarded_for.split(",") if hop.strip()]
    if not hops:
        raise ClientAddressError(
            "a named proxy sent no X-Forwarded-For: let it set that header to the client's address"
        )
    for hop in reversed(hops):
        address = _address(_without_port(hop))
        if not _named(address, trusted):
            return address
    return address


def _named(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted if network.version == address.version)


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except ValueError:
        raise ClientAddressError(
            "X-Forwarded-For of a named proxy holds something that is not an address"
        ) from None


def _without_port(hop: str) -> str:
    """`192.0.2.1:80` and `[2001:db8::1]:80` as some proxies write them."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
