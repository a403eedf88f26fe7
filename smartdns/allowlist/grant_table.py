"""Grants in memory: a table for each length of network, and each distinct profile once."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from smartdns.allowlist.prefix_table import FIRST_NUMBER, PrefixTable
from smartdns.contract.addresses import Network
from smartdns.contract.grants import Profile
from smartdns.contract.redis_layout import decode_network, decode_profile


@dataclass(slots=True, repr=False)
class _Interned:
    text: bytes
    profile: Profile
    uses: int = 0


class _Length:
    """The networks of one family and one prefix length."""

    __slots__ = ("key_of", "prefix_length", "table")

    def __init__(self, octets: int, prefix_length: int, expected: int) -> None:
        width = 4 if octets == 4 else 8 if prefix_length <= 64 else 16
        self.prefix_length = prefix_length
        self.table = PrefixTable(width, expected)
        self.key_of = _key_of(octets, width, prefix_length)


def _key_of(octets: int, width: int, prefix_length: int) -> Callable[[bytes], bytes]:
    """Give the function that cuts an address down to the key of its network."""
    if prefix_length == width * 8:
        return (lambda address: address) if width == octets else (lambda address: address[:width])
    unused = width * 8 - prefix_length
    mask = (1 << width * 8) - (1 << unused)

    def masked(address: bytes) -> bytes:
        return (int.from_bytes(address[:width], "big") & mask).to_bytes(width, "big")

    return masked


class GrantTable:
    """Network -> profile; of the networks that hold an address the longest valid one counts.

    One thread changes it; `lookup` may be called from any other thread meanwhile. A look-up finds
    what was there at some moment between its begin and its end: see `prefix_table`, and `_release`
    for profiles.
    """

    def __init__(self) -> None:
        self._lengths: dict[int, tuple[_Length, ...]] = {4: (), 16: ()}
        """Octets of an address -> longest first; each tuple is replaced, never changed."""
        self._profiles: dict[int, _Interned] = {}
        self._numbers: dict[bytes, int] = {}
        self._next_number = FIRST_NUMBER

    def __len__(self) -> int:
        return sum(length.table.count for all_of in self._lengths.values() for length in all_of)

    def lookup(self, address: bytes, day: int) -> Profile | None:
        """Profile of the longest network around `address` that holds on `day`, or None."""
        for length in self._lengths[len(address)]:
            find, key = length.table.find, length.key_of(address)
            while number := find(key):
                interned = self._profiles.get(number)
                if interned is not None:
                    if interned.profile.holds_on(day):
                        return interned.profile
                    break
                # Released between the two steps, so the table holds another number by now.
        return None

    def put(self, address: bytes, prefix_length: int, text: bytes) -> bool:
        """Let a network in with the profile of that Redis text; says whether that is new.

        Raises LayoutError on a text that is no profile, and then changes nothing.
        """
        number = self._number_of(text)
        length = self._length(len(address), prefix_length)
        interned = self._profiles[number]
        interned.uses += 1
        before = length.table.put(length.key_of(address), number)
        if before:
            self._release(before)
        return before != number

    def remove(self, address: bytes, prefix_length: int) -> bool:
        """Let a network in no longer; says whether it was."""
        for length in self._lengths[len(address)]:
            if length.prefix_length == prefix_length:
                before = length.table.remove(length.key_of(address))
                if before:
                    self._release(before)
                return bool(before)
        return False

    def expect(self, octets: int, prefix_length: int, count: int) -> None:
        """Make room for `count` networks at once, where there are none of that length yet."""
        if all(length.prefix_length != prefix_length for length in self._lengths[octets]):
            self._add_length(octets, prefix_length, count)

    def pieces(self) -> list[object]:
        """Give everything large, so that a caller may let go of it bit by bit."""
        tables = [length.table for all_of in self._lengths.values() for length in all_of]
        return [segment for table in tables for segment in table.segments()]

    def _length(self, octets: int, prefix_length: int) -> _Length:
        for length in self._lengths[octets]:
            if length.prefix_length == prefix_length:
                return length
        return self._add_length(octets, prefix_length, 0)

    def _add_length(self, octets: int, prefix_length: int, expected: int) -> _Length:
        added = _Length(octets, prefix_length, expected)
        longest_first = sorted(
            (*self._lengths[octets], added), key=lambda length: -length.prefix_length
        )
        self._lengths[octets] = tuple(longest_first)
        return added

    def _number_of(self, text: bytes) -> int:
        number = self._numbers.get(text)
        if number is None:
            profile = decode_profile(text)
            number = self._next_number
            self._next_number += 1
            self._profiles[number] = _Interned(text, profile)
            self._numbers[text] = number
        return number

    def _release(self, number: int) -> None:
        """Count one use less. Numbers are never given twice, so a stale one finds nothing."""
        interned = self._profiles[number]
        interned.uses -= 1
        if not interned.uses:
            del self._profiles[number], self._numbers[interned.text]


def read_network(field: bytes) -> tuple[bytes, int]:
    """Octets and prefix length of a field of the grants; LayoutError when it is no network.

    The two usual forms are read directly: a million of them take a second, not four.
    """
    address, _, length = field.rpartition(b"/")
    try:
        if length == b"32":
            return socket.inet_pton(socket.AF_INET, address.decode()), 32
        if length == b"64":
            packed = socket.inet_pton(socket.AF_INET6, address.decode())
            if not any(packed[8:]):
                return packed, 64
    except (OSError, ValueError):
        pass  # such as an IPv6 network of 32 bits; the thorough reader decides
    return packed_network(decode_network(field))


def packed_network(network: Network) -> tuple[bytes, int]:
    """Octets of its address, and its prefix length."""
    return network.network_address.packed, network.prefixlen


def networks_of(table: GrantTable) -> Iterator[tuple[int, int, int]]:
    """Octets of the family, prefix length and count of networks, for each length in use."""
    for octets, lengths in table._lengths.items():  # noqa: SLF001 - its own module
        for length in lengths:
            yield octets, length.prefix_length, length.table.count
