"""What the tests of this folder share: a forwarder to given upstreams, and questions for it."""

import ipaddress
from dataclasses import replace

import dns.name
import dns.rdatatype
from twisted.internet import reactor

from smartdns.answering.plan import Forward
from smartdns.answering.query import Name, Question
from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.upstream.addresses import UpstreamAddress
from smartdns.upstream.egress import Direct
from smartdns.upstream.forwarder import Forwarder


def upstream(port: int, tls_name: str | None = None) -> UpstreamAddress:
    """Give the upstream at `port` of loopback."""
    return UpstreamAddress(ipaddress.IPv4Address("127.0.0.1"), port, tls_name)


def wire_name(text: str) -> Name:
    """Give a name in lower-cased wire form."""
    return Name(dns.name.from_text(text).canonicalize().to_wire() or b"")


def question(text: str, kind: str = "A", *, dnssec_ok: bool = False) -> Forward:
    """Give the plan to forward a question."""
    asked = Question(wire_name(text), int(dns.rdatatype.from_text(kind)), 1)
    return Forward(asked, dnssec_ok, checking_disabled=False)


def said(_: Forward, reply: UpstreamReply | None) -> UpstreamReply | None:
    """Conclude nothing: give what the upstream said."""
    return reply


def forwarder(
    *ports: int, in_flight: int = 2_000, ready_sockets: int = 0
) -> Forwarder[UpstreamReply | None]:
    """Give a forwarder to upstreams on loopback."""
    to = [upstream(port) for port in ports]
    return Forwarder(
        reactor,  # type: ignore[arg-type]
        to,
        said,
        in_flight=in_flight,
        ready_sockets=ready_sockets,
    )


def asked_by(
    egress: Direct, port: int, tls_name: str | None = None
) -> Forwarder[UpstreamReply | None]:
    """Give a forwarder to one upstream that is asked by `egress`."""
    to = replace(upstream(port, tls_name), egress=egress)
    return Forwarder(reactor, [to], said)  # type: ignore[arg-type]
