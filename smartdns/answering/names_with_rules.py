"""Names that no rule speaks of: whoever asks for one gets what the upstreams say.

One walk over a name's suffixes (`Cache.knows`) takes the place of one for each rule.
"""

from smartdns.answering.knowledge import Knowledge
from smartdns.answering.local_names import LOCAL_ZONES
from smartdns.answering.loop_probe import SUFFIX as PROBES


def names_with_rules(knowledge: Knowledge) -> frozenset[bytes]:
    """Give every name that some rule speaks of, as of now.

    Not below any of them, nor of what begins with `BROWSING`, a decision is to forward, or what
    the cache says, whatever the profile: not steered, not local, no check name, no probe; and
    private addresses are filtered.
    """
    host = knowledge.check_host
    return frozenset[bytes].union(
        knowledge.catalog.entries(),
        LOCAL_ZONES,
        knowledge.switches.private_suffixes,
        {PROBES},
        {host} if host else (),
    )
