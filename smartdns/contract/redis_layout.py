"""How the allowlist lies in Redis: key names and the text of each value.

    mediastreamer:v1:grants    hash    network -> profile
    mediastreamer:v1:head      string  "<epoch> <position>"
    mediastreamer:v1:changes   channel lines "<epoch> <position> <network> [profile]", in order;
                                       or "<epoch> <position>" alone: read everything again

A network is its normal form with a length ("203.0.113.7/32", "2001:db8:1:2::/64"). A profile is
words in a fixed order, so that equal profiles have equal bytes and may be interned undecoded:

    [region=us] [service:netflix=gb]… [until=2026-12-31] [claimed]

and "-" where it says nothing at all. Decoding anything else raises `LayoutError`, which never
carries the text that it could not read.
"""

import datetime
import ipaddress
from collections.abc import Iterable
from types import MappingProxyType

from smartdns.contract.addresses import Network
from smartdns.contract.grants import GrantChange, Head, Profile

GRANTS = "mediastreamer:v1:grants"
HEAD = "mediastreamer:v1:head"
CHANGES = "mediastreamer:v1:changes"
GRANTS_BEING_BUILT = "mediastreamer:v1:grants:building:"
"""With an epoch behind it, the hash that a rebuild fills aside and then renames to `GRANTS` in the
MULTI that sets the head; it expires by itself should the rebuild die."""


class LayoutError(ValueError):
    """Redis holds something that this version does not write."""


def encode_network(network: Network) -> str:
    """Normal form with prefix length, the field of `GRANTS`."""
    return str(network)


def decode_network(text: bytes | str) -> Network:
    """Inverse of `encode_network`; LayoutError when it is not one."""
    try:
        return ipaddress.ip_network(text.decode() if isinstance(text, bytes) else text)
    except (ValueError, UnicodeDecodeError):
        raise LayoutError("a field of the grants is not a network") from None


def encode_profile(profile: Profile) -> str:
    """Words in a fixed order: equal profiles give equal text."""
    words = [] if profile.region is None else [f"region={profile.region}"]
    words += [f"service:{name}={region}" for name, region in sorted(profile.services.items())]
    if profile.last_day is not None:
        words.append(f"until={datetime.date.fromordinal(profile.last_day).isoformat()}")
    if profile.claimed:
        words.append("claimed")
    return " ".join(words) or "-"


def decode_profile(text: bytes | str) -> Profile:
    """Inverse of `encode_profile`; LayoutError on an unknown word."""
    try:
        words = (text.decode() if isinstance(text, bytes) else text).split()
    except UnicodeDecodeError:
        raise LayoutError("a profile is not text") from None
    region, services, last_day, claimed = None, {}, None, False
    for word in words if words != ["-"] else ():
        key, equals, value = word.partition("=")
        if word == "claimed":
            claimed = True
        elif not equals or not value:
            raise LayoutError("a profile has an unknown word")
        elif key == "region":
            region = value
        elif key == "until":
            last_day = _day(value)
        elif key.startswith("service:") and key != "service:":
            services[key.removeprefix("service:")] = value
        else:
            raise LayoutError("a profile has an unknown word")
    if not words:
        raise LayoutError("a profile is empty")
    return Profile(region, MappingProxyType(services), last_day, claimed)


def _day(text: str) -> int:
    try:
        return datetime.date.fromisoformat(text).toordinal()
    except ValueError:
        raise LayoutError("a profile ends on no day of the calendar") from None


def encode_head(head: Head) -> str:
    """Epoch and position, decimal, one blank between."""
    return f"{head.epoch} {head.position}"


def decode_head(text: bytes | str) -> Head:
    """Inverse of `encode_head`; LayoutError when it is not one."""
    try:
        epoch, position = (int(part) for part in text.split())
    except ValueError:
        raise LayoutError("the head of the allowlist is not two integers") from None
    return Head(epoch, position)


def encode_change(change: GrantChange) -> str:
    """One line of a message on `CHANGES`; without a profile it is a removal."""
    text = f"{encode_head(change.head)} {encode_network(change.network)}"
    return text if change.profile is None else f"{text} {encode_profile(change.profile)}"


def encode_message(changes: Iterable[GrantChange]) -> str:
    """Message on `CHANGES` for what one MULTI changed: a line each, in order."""
    return "\n".join(map(encode_change, changes))


def decode_message(text: bytes) -> list[GrantChange | Head]:
    """Inverse of `encode_message`; LayoutError if any line cannot be read."""
    return [decode_change(line) for line in text.split(b"\n")]


def decode_change(text: bytes | str) -> GrantChange | Head:
    """One change, or the bare head that asks every mirror to read everything again."""
    try:
        words = (text.decode() if isinstance(text, bytes) else text).split(maxsplit=3)
    except UnicodeDecodeError:
        raise LayoutError("a change is not text") from None
    head = decode_head(" ".join(words[:2]))
    match words[2:]:
        case []:
            return head
        case [network]:
            return GrantChange(head, decode_network(network), None)
        case [network, profile]:
            return GrantChange(head, decode_network(network), decode_profile(profile))
        case _:
            raise LayoutError("a change has an unknown form")
