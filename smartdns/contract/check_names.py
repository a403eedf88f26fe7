"""Names by which a page can tell what its visitor's device is answered: where they lie.

    <random>.check.<host>                       leads to the page: the device asks through us
    in-<region>-<random>-<service>.check.…      exists where that is the region of the service
    relay-<random>-<service>.check.…            leads to the relay, which lets it through
    region-<service>.check.…                    the same relay's address, for people with dig

`<random>` has no hyphen and no meaning: it keeps every cache on the way from answering.
"""

import ipaddress
from urllib.parse import urlsplit

from smartdns.contract.addresses import Address

# A household's page is often known by its address alone; RFC 8375 keeps this name for homes.
_AT_HOME = "mediastreamer.home.arpa"

IN_REGION = "in-"
BY_RELAY = "relay-"


def check_domain(public_url: str) -> str:
    """Give the name below which every name is answered by our resolvers and by nobody else."""
    address = address_of(public_url)
    host = _AT_HOME if address is not None else urlsplit(public_url).hostname or _AT_HOME
    return f"check.{host.rstrip('.')}"


def address_of(public_url: str) -> Address | None:
    """Give the page's address where its URL has one in place of a name."""
    try:
        return ipaddress.ip_address(urlsplit(public_url).hostname or "")
    except ValueError:
        return None
