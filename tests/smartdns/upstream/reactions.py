"""What upstreams do with a query, right and wrong."""

import dns.flags
import dns.message
import dns.opcode
import dns.rrset

from tests.peers.odd_name_server import Reaction, address_of_everything, answering


def silence(_query: dns.message.Message, _transport: str) -> Reaction:
    """Say nothing."""
    return None


def absent(query: dns.message.Message, _: str) -> Reaction:
    """Say that there is no such name."""
    return answering(query, rcode="NXDOMAIN")


def failing(query: dns.message.Message, _: str) -> Reaction:
    """Say SERVFAIL."""
    return answering(query, rcode="SERVFAIL")


def refusing(query: dns.message.Message, _: str) -> Reaction:
    """Say REFUSED."""
    return answering(query, rcode="REFUSED")


def referring(query: dns.message.Message, _: str) -> Reaction:
    """Send who asks to another server, as no resolver does."""
    reply = answering(query)
    reply.authority.append(dns.rrset.from_text("example.", 60, "IN", "NS", "ns.example."))
    return reply


def in_a_stream(query: dns.message.Message, transport: str) -> Reaction:
    """Truncate what comes in a datagram."""
    reply = address_of_everything(query, transport)
    if transport == "udp":
        reply.flags |= dns.flags.TC
        reply.answer.clear()
    return reply


def in_lower_case(query: dns.message.Message, transport: str) -> Reaction:
    """Do not keep the question's case."""
    plain = dns.message.make_query(str(query.question[0].name).lower(), "A")
    plain.id = query.id
    return address_of_everything(plain, transport)


def without_edns(query: dns.message.Message, transport: str) -> Reaction:
    """Know nothing of EDNS, as software from before RFC 6891."""
    if query.edns >= 0:
        return answering(query, rcode="FORMERR")
    return address_of_everything(query, transport)


def without_edns_and_question(query: dns.message.Message, transport: str) -> Reaction:
    """Be so old that what cannot be read is not repeated either."""
    if query.edns >= 0:
        return query.id.to_bytes(2) + b"\x80\x01" + bytes(8)
    return address_of_everything(query, transport)


def wrong_id(query: dns.message.Message) -> dns.message.Message:
    """Forge a reply whose ID is off by one."""
    forged = answering(query, f"{query.question[0].name} 300 A 203.0.113.66")
    forged.id = query.id ^ 1
    return forged


def wrong_question(query: dns.message.Message) -> dns.message.Message:
    """Forge a reply to another question."""
    other = dns.message.make_query("bank.example", "A")
    other.id = query.id
    return answering(other, "bank.example. 300 A 203.0.113.66")


def wrong_type(query: dns.message.Message) -> dns.message.Message:
    """Forge a reply to the same name's other question."""
    other = dns.message.make_query(query.question[0].name, "AAAA")
    other.id = query.id
    return answering(other, f"{query.question[0].name} 300 AAAA 2001:db8::66")


def wrong_opcode(query: dns.message.Message) -> dns.message.Message:
    """Forge a reply to something that is no query."""
    forged = answering(query, f"{query.question[0].name} 300 A 203.0.113.66")
    forged.set_opcode(dns.opcode.NOTIFY)
    return forged


def not_a_reply(query: dns.message.Message) -> dns.message.Message:
    """Send the query back."""
    return query


def truncated_in_the_middle(query: dns.message.Message) -> bytes:
    """Cut a reply off within a record."""
    return answering(query, f"{query.question[0].name} 300 A 203.0.113.66").to_wire()[:-2]


def without_question(query: dns.message.Message) -> bytes:
    """Say NOERROR and repeat nothing of what was asked."""
    return query.id.to_bytes(2) + b"\x81\x80" + bytes(8)


FORGERIES = (
    *(wrong_id, wrong_question, wrong_type, wrong_opcode, not_a_reply),
    *(truncated_in_the_middle, without_question),
)
"""Each must be passed over, and the reply that follows taken."""
