"""Egress: the source addresses or the interface that this machine connects from."""

from dataclasses import dataclass

from smartdns.contract.addresses import Address


@dataclass(frozen=True, slots=True, repr=False)
class Direct:
    """Connect from this machine, perhaps bound to source addresses or to an interface."""

    ipv4: str | None = None
    ipv6: str | None = None
    interface: str | None = None

    def reaches(self, version: int) -> bool:
        """Say whether it reaches an IP version; with source addresses: only their versions."""
        if self.ipv4 is None and self.ipv6 is None:
            return True
        return self.source(version) is not None

    def source(self, version: int) -> str | None:
        """Give the source address for an IP version; None: the kernel chooses."""
        return self.ipv4 if version == 4 else self.ipv6

    def toward(self, address: Address) -> "Direct":
        """Give the egress to use for one address: `ORDINARY` for an address of loopback.

        A resolver on loopback would treat a query from a public address as forged, and only the
        loopback interface leads to it.
        """
        if not address.is_loopback or (self.source(address.version) or "").startswith("127."):
            return self
        return ORDINARY


ORDINARY = Direct()
"""The routing table decides."""
