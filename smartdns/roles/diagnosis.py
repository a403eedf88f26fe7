"""What a worker makes of an address and a name, for an operator who asks on the control socket."""

import datetime
import ipaddress
from collections.abc import Mapping
from typing import Any

from smartdns.answering import numbers
from smartdns.answering.answer import answer
from smartdns.answering.knowledge import Allowlist, Knowledge
from smartdns.answering.numbers import AAAA, CLASS_IN, A
from smartdns.answering.plan import Forward, Plan, Reply
from smartdns.answering.query import Name, Query, Question, Source
from smartdns.contract.addresses import parse_address
from smartdns.contract.redis_layout import encode_profile
from zones.names import parse_name

_ANY_PORT = 1024


def explain(
    question: Mapping[str, Any], allowlist: Allowlist, knowledge: Knowledge | None, now: float
) -> dict[str, Any]:
    """Look `question["address"]` up and, in a resolver, decide about `question["name"]`.

    `profile` is the grant as its text in Redis, None where the address is not let in.
    """
    address = parse_address(question["address"]).packed
    day = datetime.datetime.now(datetime.UTC).date().toordinal()
    profile = allowlist.lookup(address, day)
    found: dict[str, Any] = {
        "loaded": allowlist.loaded,
        "profile": None if profile is None else encode_profile(profile),
    }
    if knowledge is not None:
        source = Source(address, _ANY_PORT, "udp")
        asked = Question(Name(parse_name(question["name"])), A, CLASS_IN)
        found["decision"] = _shown(answer(_query(asked), source, profile, knowledge, now))
    return found


def _query(question: Question) -> Query:
    return Query(
        id=0,
        opcode=0,
        recursion_desired=True,
        checking_disabled=False,
        authentic_data=False,
        question=question,
        question_wire=b"",
        edns=None,
    )


def _shown(plan: Plan) -> str:
    match plan:
        case Forward():
            return "forwarded to an upstream"
        case Reply(truncated=True):
            return "truncated, until the address has shown itself by TCP or a cookie"
        case Reply(rcode=numbers.REFUSED):
            return "refused"
        case Reply(answer=records) if records:
            shown = [
                str(ipaddress.ip_address(each.data)) for each in records if each.type in {A, AAAA}
            ]
            return f"answered here: {' '.join(shown)}" if shown else "answered here"
        case Reply(rcode=rcode):
            return f"answered here without an address (RCODE {rcode})"
    return "dropped"
