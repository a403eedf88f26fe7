"""Check names: by them the page's own script sees whether it asks through us, and what it gets.

They hold no information about who asked, and nobody keeps that they were asked.
"""

from smartdns.answering.knowledge import Knowledge, RelayAddresses
from smartdns.answering.names import first_label, parent, suffixes
from smartdns.answering.plan import Reply
from smartdns.answering.query import Question
from smartdns.answering.records import nodata, nxdomain
from smartdns.answering.steering import address_reply, relay_for
from smartdns.contract.grants import Profile

_REGION_OF = b"region-"


def answer_check_name(question: Question, profile: Profile, knowledge: Knowledge) -> Reply | None:
    """Answer <random>.check.<host> and region-<service>.check.<host>; None: another name.

    Everything with TTL 0, so that a device asks again each time.
    """
    host = knowledge.check_host
    if host is None or host not in suffixes(question.name):
        return None
    if question.name == host:
        return nodata(host, 0)
    if parent(question.name) != host:
        return nxdomain(host, 0)
    label = first_label(question.name)
    if not label.startswith(_REGION_OF):
        return address_reply(question, knowledge.check_addresses, 0, host, None)
    name = label.removeprefix(_REGION_OF).decode("ascii", errors="replace")
    service = knowledge.catalog.services.get(name)
    if service is None:
        return nxdomain(host, 0)
    relay = relay_for(service, profile, knowledge) or RelayAddresses()
    return address_reply(question, relay, 0, host, None)
