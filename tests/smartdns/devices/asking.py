"""What a device sends to a resolver and reads from it, datagram by datagram."""

import socket

import dns.message
import dns.rcode
import dns.rdatatype
from twisted.internet.threads import deferToThread

from smartdns.contract.grants import Profile
from tests.smartdns.resolver.laboratory import Laboratory

HERE = socket.inet_aton("127.0.0.1")
NOT_WITHIN_S = 0.3


async def send(
    resolver: Laboratory, packet: bytes, *, source: str = "127.0.0.1", wait_s: float = 10
) -> bytes | None:
    """Send octets in one datagram and give the one that comes back; None: none in time."""
    return await deferToThread(_send, resolver.port, packet, source, wait_s)


def _send(port: int, packet: bytes, source: str, wait_s: float) -> bytes | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind((source, 0))
        client.connect(("127.0.0.1", port))
        client.settimeout(wait_s)
        client.send(packet)
        try:
            return client.recv(65_535)
        except TimeoutError:
            return None


async def ask(
    resolver: Laboratory, name: str, kind: str = "A", **how: object
) -> dns.message.Message:
    """Ask as a stub does, twice over: the second time the fast path knows the answer."""
    made = dns.message.make_query(name, kind, **({"use_edns": 0} | how))  # type: ignore[arg-type]
    for _ in range(2):
        got = await send(resolver, made.to_wire())
        assert got is not None
    reply = dns.message.from_wire(got)
    assert made.is_response(reply)
    return reply


def addresses(reply: dns.message.Message) -> set[str]:
    """All addresses of the answer."""
    kinds = {dns.rdatatype.A, dns.rdatatype.AAAA}
    return {str(data) for rrset in reply.answer if rrset.rdtype in kinds for data in rrset}


def is_nodata(reply: dns.message.Message) -> bool:
    """Say whether it is an empty answer that may be cached: with a SOA."""
    soa = [rrset for rrset in reply.authority if rrset.rdtype == dns.rdatatype.SOA]
    return reply.rcode() == dns.rcode.NOERROR and not reply.answer and len(soa) == 1


def grant(resolver: Laboratory, profile: Profile) -> None:
    """Let this machine see what `profile` says."""
    resolver.allowlist.profiles[HERE] = profile
    resolver.responder.grants_changed()
