"""Check names: the page's script learns by them whether it asks through us, and what it gets.

They contain nothing about the client, and these queries are not recorded.
"""

import re
from typing import Final

from smartdns.answering.knowledge import Knowledge, RelayAddresses
from smartdns.answering.names import below, first_label, parent
from smartdns.answering.plan import Reply
from smartdns.answering.query import Question
from smartdns.answering.replies.records import nodata, nxdomain
from smartdns.answering.rules.steering import address_reply, region_for, relay_for
from smartdns.contract.check_names import BY_RELAY, IN_REGION
from smartdns.contract.grants import OFF, Profile

_REGION_OF: Final = b"region-"
_BY_RELAY: Final = BY_RELAY.encode()
_IN_REGION: Final = IN_REGION.encode()
_RELAY: Final = re.compile(b"(?:region-|%b[0-9a-z]+-)(?P<service>.+)" % _BY_RELAY)
_REGION: Final = re.compile(b"%b(?P<region>[a-z]{2,3})-[0-9a-z]+-(?P<service>.+)" % _IN_REGION)


def answer_check_name(question: Question, profile: Profile, knowledge: Knowledge) -> Reply | None:
    """Answer what `smartdns.contract.check_names` lists; None: another name.

    Everything with TTL 0, so that a device asks again each time.
    """
    host = knowledge.check_host
    if host is None or not question.name.endswith(host) or below(question.name, {host}) is None:
        return None
    if question.name == host:
        return nodata(host, 0)
    if parent(question.name) != host:
        return nxdomain(host, 0)
    label = first_label(question.name)
    if not label.startswith((_REGION_OF, _BY_RELAY, _IN_REGION)):
        return address_reply(question, knowledge.check_addresses, 0, host, None)
    addresses = _meant(label, profile, knowledge)
    if addresses is None:
        return nxdomain(host, 0)
    return address_reply(question, addresses, 0, host, None)


def _meant(label: bytes, profile: Profile, knowledge: Knowledge) -> RelayAddresses | None:
    """Give the addresses for the label of a check name; None: not for this household."""
    found = _RELAY.fullmatch(label) or _REGION.fullmatch(label)
    if found is None:
        return None
    name = found["service"].decode("ascii", errors="replace")
    service = knowledge.catalog.services.get(name)
    if service is None:
        return None
    if found.re is _RELAY:
        return relay_for(service, profile, knowledge) or RelayAddresses()
    here = region_for(service, profile, knowledge.relays) or OFF
    return knowledge.check_addresses if here == found["region"].decode() else None
