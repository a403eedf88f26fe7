"""Names that no rule speaks of: whoever asks for one gets what the upstreams say.

One walk over a name's suffixes takes the place of one for each rule.
"""

from smartdns.answering.knowledge import Knowledge
from smartdns.answering.local_names import BROWSING, LOCAL_ZONES
from smartdns.answering.loop_probe import SUFFIX as PROBES
from smartdns.answering.query import Name


class OrdinaryNames:
    """Knows every name that some rule speaks of, as of the knowledge that it was last asked with.

    Not below any of them a decision is to forward, or what the cache says, whatever the profile:
    not steered, not local, no check name, no probe; and private addresses are filtered.
    """

    def __init__(self) -> None:
        self._of: tuple[object, ...] = ()
        self._spoken_of: frozenset[bytes] = frozenset()

    def has(self, name: Name, knowledge: Knowledge) -> bool:
        """Say whether `name` is ordinary; False may also be said of one that is."""
        catalog, switches, host = self._of or (None, None, None)
        if (
            catalog is not knowledge.catalog
            or switches is not knowledge.switches
            or host is not knowledge.check_host
        ):
            self._take_in(knowledge)
        spoken_of = self._spoken_of
        start = 0
        while size := name[start]:
            if name[start:] in spoken_of:
                return False
            start += size + 1
        return start > 0 and not name.startswith(BROWSING)

    def _take_in(self, knowledge: Knowledge) -> None:
        host = knowledge.check_host
        self._spoken_of = (
            knowledge.catalog.entries()
            | LOCAL_ZONES
            | knowledge.switches.private_suffixes
            | {PROBES}
            | ({host} if host else set())
        )
        self._of = knowledge.catalog, knowledge.switches, host
