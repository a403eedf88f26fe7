"""By which of its addresses or interfaces this machine connects."""

from dataclasses import dataclass

from smartdns.contract.addresses import Address


@dataclass(frozen=True, slots=True, repr=False)
class Direct:
    """Connect from here, perhaps bound to source addresses or to an interface."""

    ipv4: str | None = None
    ipv6: str | None = None
    interface: str | None = None

    def reaches(self, version: int) -> bool:
        """Say whether it reaches that IP version; one that is bound, its own only."""
        if self.ipv4 is None and self.ipv6 is None:
            return True
        return self.source(version) is not None

    def source(self, version: int) -> str | None:
        """Give the address that connections of that IP version leave by; None: any."""
        return self.ipv4 if version == 4 else self.ipv6

    def toward(self, address: Address) -> "Direct":
        """Give the way to an address, which to this machine itself is the ordinary one.

        A resolver on loopback would take a query from a public address for a forged one; and no
        interface but loopback's leads there.
        """
        if not address.is_loopback or (self.source(address.version) or "").startswith("127."):
            return self
        return ORDINARY


ORDINARY = Direct()
"""Whatever the routing table says."""
