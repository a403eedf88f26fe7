"""Which relays to answer with: those that take connections, with flapping damped."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from smartdns.answering.knowledge import RelayAddresses
from smartdns.answering.replies.records import address_data
from smartdns.contract.addresses import Address

FAILURES_TO_LEAVE = 2
_HELD_S = 10.0
_HELD_AT_MOST_S = 320.0
_FLAPS_FORGOTTEN_S = 600.0


class RelayHealth:
    """One relay address; `up` is what the answers go by."""

    def __init__(self) -> None:
        self.up = True
        self._failures = 0
        self._flaps = 0
        self._left_at = float("-inf")
        self._good_since: float | None = None

    def checked(self, *, accepts: bool, now: float) -> bool:
        """Note the result of one check; say whether `up` changed.

        A relay goes down after two failures in a row. It comes up after 10 seconds without a
        failure; each time that it went down within ten minutes doubles this time.
        """
        before = self.up
        if not accepts:
            self._failures += 1
            self._good_since = None
            if self.up and self._failures >= FAILURES_TO_LEAVE:
                self._leave(now)
        else:
            self._failures = 0
            self._good_since = now if self._good_since is None else self._good_since
            if not self.up and now - self._good_since >= self._held_s():
                self.up = True
        return self.up != before

    def _leave(self, now: float) -> None:
        self._flaps = self._flaps + 1 if now - self._left_at < _FLAPS_FORGOTTEN_S else 0
        self._left_at = now
        self.up = False

    def _held_s(self) -> float:
        return min(_HELD_S * 2.0**self._flaps, _HELD_AT_MOST_S)


def relays_to_answer(
    relays: Mapping[str, Sequence[Address]],
    health: Mapping[Address, RelayHealth] = MappingProxyType({}),
) -> dict[str, RelayAddresses]:
    """Give each region's relays that are up; where none is, all of them."""
    return {
        region: by_family([a for a in group if a not in health or health[a].up] or group)
        for region, group in relays.items()
    }


def by_family(addresses: Sequence[Address]) -> RelayAddresses:
    """Sort addresses by family, as the data of records."""
    return RelayAddresses(
        tuple(address_data(each) for each in addresses if each.version == 4),
        tuple(address_data(each) for each in addresses if each.version == 6),
    )
