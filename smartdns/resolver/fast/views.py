"""Which view of a memo an address has, and when that must be looked up again.

Only one thread uses a memo and its views. Grants, knowledge and the day make an *epoch*; what was
looked up in an epoch holds until its end.
"""

from typing import Final

from smartdns.resolver.fast.memo import MAX_ADDRESSES, UNKNOWN, Memo, View
from smartdns.resolver.responder import Responder, today

Epoch = tuple[int, int, int]
"""Generation of the grants, generation of all else that decisions depend on, and the UTC day."""
_NO_EPOCH: Final = -1, -1, -1


class Views:
    """The views of one memo, by client address."""

    def __init__(self, memo: Memo, responder: Responder) -> None:
        self._memo, self._responder = memo, responder
        self.epoch: Epoch = _NO_EPOCH
        self.known: dict[bytes, View | None] = {}
        """View of each address in this `epoch`; None for a stranger."""

    def begin_epoch(self) -> bool:
        """Forget what no longer holds; True: a new epoch began. Only between batches."""
        memo = self._memo
        if memo.crowded:
            memo.forget()
            self.known.clear()
        elif memo.full:
            memo.turn()
        epoch = self._responder.grants, self._responder.generation, today()
        if epoch == self.epoch:
            return False
        if epoch[1] != self.epoch[1]:
            memo.forget()
        self.forget_addresses()
        self.epoch = epoch
        return True

    def forget_addresses(self) -> None:
        """Forget all clients' addresses."""
        self._memo.forget_addresses()
        self.known.clear()

    def of(self, address: bytes) -> View | None:
        """Give the view of an address; None: it is a stranger."""
        known = self.known
        return known[address] if address in known else self._find(address)

    def _find(self, address: bytes) -> View | None:
        profile = self._responder.knowledge.allowlist.lookup(address, self.epoch[2])
        if len(self.known) >= MAX_ADDRESSES:
            self.known.clear()
        view = None if profile is None else self._memo.view_for(profile)
        self.known[address] = view
        if view is None and len(self._memo.tables) < MAX_ADDRESSES // 2:
            self._memo.tables[address] = UNKNOWN
        return view
