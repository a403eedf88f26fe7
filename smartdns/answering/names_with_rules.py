"""The names that some rule is about; for all others the upstreams decide what the answer is.

With this set one walk over a name's suffixes (`Cache.knows`) takes the place of one for each rule.
"""

from smartdns.answering.knowledge import Knowledge
from smartdns.answering.local_names import LOCAL_ZONES
from smartdns.answering.loop_probe import SUFFIX as PROBES


def names_with_rules(knowledge: Knowledge) -> frozenset[bytes]:
    """Give every name that some rule is about, as of now.

    A name that is below none of them and does not begin with `BROWSING` is forwarded or answered
    from the cache, for every profile: it is not steered, not local, no check name and no probe,
    and private addresses are taken out of its answers.
    """
    host = knowledge.check_host
    return frozenset[bytes].union(
        knowledge.catalog.entries(),
        LOCAL_ZONES,
        knowledge.switches.private_suffixes,
        {PROBES},
        {host} if host else (),
    )
