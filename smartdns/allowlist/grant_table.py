"""Grants in memory: a table for each length of network, and each distinct profile once."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from socket import AF_INET, AF_INET6, inet_pton
from typing import Final

from smartdns.allowlist.prefix_table import FIRST_NUMBER, PrefixTable
from smartdns.contract.addresses import Network
from smartdns.contract.grants import Profile
from smartdns.contract.redis_layout import LayoutError, decode_profile

FOREVER: Final = 1 << 62


@dataclass(slots=True, repr=False)
class _Interned:
    text: bytes
    profile: Profile
    last_day: int
    uses: int = 0


class _Batch:
    """What is to be put into one table."""

    __slots__ = ("keys", "length", "numbers")

    def __init__(self, length: "_Length") -> None:
        self.length = length
        self.keys: list[bytes] = []
        self.numbers: list[int] = []


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
    what was there at some moment between its begin and its end: see `prefix_table`, and `_use`
    for profiles.
    """

    def __init__(self) -> None:
        self._lengths: dict[int, tuple[_Length, ...]] = {4: (), 16: ()}
        """Octets of an address -> longest first; each tuple is replaced, never changed."""
        self._by_form: dict[int, _Length] = {}
        """The same by family and length."""
        self._profiles: dict[int, _Interned] = {}
        self._numbers: dict[bytes, int] = {}
        self._next_number = FIRST_NUMBER

    def __len__(self) -> int:
        return sum(len(length.table) for length in self._by_form.values())

    def lookup(self, address: bytes, day: int) -> Profile | None:
        """Profile of the longest network around `address` that holds on `day`, or None."""
        found = self.lookup_network(address, day)
        return None if found is None else found[0]

    def lookup_network(self, address: bytes, day: int) -> tuple[Profile, int] | None:
        """The same, with the network's prefix length."""
        for length in self._lengths[len(address)]:
            find, key = length.table.find, length.key_of(address)
            while number := find(key):
                interned = self._profiles.get(number)
                if interned is not None:
                    if day <= interned.last_day:
                        return interned.profile, length.prefix_length
                    break
                # Gone between the two steps, so the table holds another number by now.
        return None

    def put(self, address: bytes, prefix_length: int, text: bytes) -> bool:
        """Let a network in with the profile of that Redis text; says whether that is new.

        Raises LayoutError on a text that is no profile, and then changes nothing.
        """
        number = self._number_of(text)
        length = self._length(len(address), prefix_length)
        self._use(number, 1)
        before = length.table.put(length.key_of(address), number)
        if before:
            self._use(before, -1)
        return before != number

    def put_all(self, fields: Sequence[bytes]) -> int:
        """Let in network, profile, network, profile and so on, as Redis has them.

        Gives how many of them cannot be read; those are left out.
        """
        unreadable, pairs, uses = 0, iter(fields), Counter[int]()
        ipv4, ipv6 = _Batch(self._length(4, 32)), _Batch(self._length(16, 64))
        others: dict[int, _Batch] = {}
        for network, text in zip(pairs, pairs, strict=True):
            try:
                # What nearly all are is read right here: with a million every call counts.
                if network[-3:] == b"/32" and b":" not in network:
                    batch, key = ipv4, inet_pton(AF_INET, network[:-3].decode())
                elif network[-5:] == b"::/64" and network.count(b":") < 6:
                    batch, key = ipv6, inet_pton(AF_INET6, network[:-3].decode())[:8]
                else:
                    address, prefix_length = read_network(network)
                    length = self._length(len(address), prefix_length)
                    batch = others.setdefault(id(length), _Batch(length))
                    key = length.key_of(address)
                number = self._numbers.get(text) or self._number_of(text)
            except (OSError, ValueError):
                unreadable += 1
                continue
            batch.keys.append(key)
            batch.numbers.append(number)
        for batch in (ipv4, ipv6, *others.values()):
            uses.update(batch.numbers)
            uses.subtract(batch.length.table.put_all(batch.keys, batch.numbers))
        for number, more in uses.items():
            self._use(number, more)
        return unreadable

    def remove(self, address: bytes, prefix_length: int) -> bool:
        """Let a network in no longer; says whether it was."""
        length = self._by_form.get(len(address) << 8 | prefix_length)
        before = 0 if length is None else length.table.remove(length.key_of(address))
        if before:
            self._use(before, -1)
        return bool(before)

    def expect(self, octets: int, prefix_length: int, count: int) -> None:
        """Make room for `count` networks at once, where there are none of that length yet."""
        if octets << 8 | prefix_length not in self._by_form:
            self._add_length(octets, prefix_length, count)

    def pieces(self) -> list[object]:
        """Give everything large, so that a caller may let go of it bit by bit."""
        return [piece for length in self._by_form.values() for piece in length.table.segments()]

    def _length(self, octets: int, prefix_length: int) -> _Length:
        found = self._by_form.get(octets << 8 | prefix_length)
        return self._add_length(octets, prefix_length, 0) if found is None else found

    def _add_length(self, octets: int, prefix_length: int, expected: int) -> _Length:
        added = _Length(octets, prefix_length, expected)
        self._by_form[octets << 8 | prefix_length] = added
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
            last_day = FOREVER if profile.last_day is None else profile.last_day
            self._profiles[number] = _Interned(text, profile, last_day)
            self._numbers[text] = number
        return number

    def _use(self, number: int, more: int) -> None:
        """Count uses; an unused profile goes. Its number is never given again."""
        interned = self._profiles[number]
        interned.uses += more
        if not interned.uses:
            del self._profiles[number], self._numbers[interned.text]


_LENGTHS: Final = {str(length).encode(): length for length in range(129)}


def read_network(field: bytes) -> tuple[bytes, int]:
    """Octets and prefix length of a field of the grants; LayoutError when it is no network.

    Not by `ipaddress`, since a million of them would take five seconds.
    """
    address, _, length = field.rpartition(b"/")
    try:
        family = AF_INET6 if b":" in address else AF_INET
        packed = inet_pton(family, address.decode())
        prefix_length = _LENGTHS[length]
    except (OSError, ValueError, KeyError):
        raise LayoutError("a field of the grants is not a network") from None
    unused = len(packed) * 8 - prefix_length
    if unused and (unused < 0 or int.from_bytes(packed, "big") & ((1 << unused) - 1)):
        raise LayoutError("a field of the grants is not a network")
    return packed, prefix_length


def packed_network(network: Network) -> tuple[bytes, int]:
    """Octets of its address, and its prefix length."""
    return network.network_address.packed, network.prefixlen
