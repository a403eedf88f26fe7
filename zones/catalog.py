"""What the catalogue says about a name."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

ANY_REGION: Final = "*"
"""In place of a region's code: every region that has nothing of its own."""


@dataclass(frozen=True, slots=True)
class Region:
    """A country in which we have relays."""

    code: str
    """ISO 3166 alpha-2, lower case."""
    title: str


@dataclass(frozen=True, slots=True)
class Service:
    """One streaming service, as its file in `services/` describes it."""

    name: str
    title: str
    regions: tuple[str, ...]
    """Region codes that it makes sense in, the preferred one first."""
    suffixes: tuple[str, ...] = ()
    """Steered: the name itself and all below it."""
    names: tuple[str, ...] = ()
    """Steered: exactly these."""
    never: tuple[str, ...] = ()
    """Not steered, nor anything below."""

    def region_for(self, default: str | None, relays: Collection[str] = ()) -> str | None:
        """The region for a household that chose nothing for this service; None: forward.

        Its default if the service makes sense there; else the first of the service's regions
        with a relay. Empty `relays`: every region has one.
        """
        default_first = (default, *self.regions) if default in self.regions else self.regions
        return next((code for code in default_first if not relays or code in relays), None)


@dataclass(frozen=True, slots=True)
class Match:
    """The entry that decided about a name."""

    service: Service
    owner: bytes
    """The entry's name in lower-cased wire form; it owns the SOA of a NODATA answer."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """All services, and an index of their entries by wire form."""

    services: Mapping[str, Service]
    regions: Mapping[str, Region]
    _suffixes: Mapping[bytes, Service]
    _names: Mapping[bytes, Service]
    _never: frozenset[bytes]
    never: frozenset[bytes] = frozenset()
    """Of those, what no service may steer: connectivity checks."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Where each service was read from, by its name."""
    notes: tuple[str, ...] = ()
    """What an operator may want to know of a catalogue that is good."""

    def find(self, name: bytes) -> Match | None:
        """Say which service steers `name` (lower-cased wire form), or None.

        The longest entry decides, and at equal length `never` before `names` before
        `suffixes`; label by label, so `notnetflix.com` is not below `netflix.com`.
        """
        never, suffixes = self._never, self._suffixes
        if name not in never and (service := self._names.get(name)) is not None:
            return Match(service, name)
        start = 0
        while size := name[start]:
            tail = name[start:]
            if tail in never:
                return None
            if tail in suffixes:
                return Match(suffixes[tail], tail)
            start += size + 1
        return None

    def entries(self) -> frozenset[bytes]:
        """Names such that `find` gives None for every name that is neither one nor below one."""
        return frozenset(self._suffixes) | frozenset(self._names)

    def claimant(self, name: bytes) -> Service | None:
        """The service that has exactly this name as an entry."""
        return self._names.get(name) or self._suffixes.get(name)

    def kept_out_by(self, name: bytes) -> bytes | None:
        """The `never` entry at or above `name`, the longest one; None if there is none."""
        start = 0
        while name[start]:
            if name[start:] in self._never:
                return name[start:]
            start += name[start] + 1
        return None
