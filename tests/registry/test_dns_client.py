"""The control plane's DNS client, against BIND, against forgers, and read by dnspython."""

import datetime
import socket
import ssl
import struct
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import dns_client
from registry.dns_client import (
    NOERROR,
    NXDOMAIN,
    BadResponseError,
    DnsQuery,
    DnsResponse,
    ask_tcp,
    ask_tls,
    ask_udp,
)
from smartdns.contract.addresses import SocketAddress, parse_address
from tests.peers.certificates import self_signed
from tests.peers.name_server import NameServer
from tests.registry.datagram_server import DatagramServer

WITHIN_S = 20.0
"""Nothing here waits so long, on a busy machine either."""


def address_of(server: NameServer) -> SocketAddress:
    """Where to ask it."""
    return SocketAddress(parse_address(server.host), server.port)


@pytest.mark.parametrize("ask", [ask_udp, ask_tcp])
def test_real_name_server_is_understood(ask: type[ask_udp], name_server: NameServer) -> None:
    """Addresses, aliases in their order, and that a name does not exist."""
    where = address_of(name_server)
    found = ask(DnsQuery("WWW.example.com.", "AAAA"), where, within_s=WITHIN_S)
    assert (found.rcode, found.truncated) == (NOERROR, False)
    assert found.answers == (("www.example.com", "AAAA", "2001:db8::1"),)
    chain = ask(DnsQuery("alias.example.com"), where, within_s=WITHIN_S)
    assert [answer.type for answer in chain.answers] == ["CNAME", "CNAME", "CNAME", "A"]
    assert chain.answers[0] == ("alias.example.com", "CNAME", "second.example.com.")
    assert ask(DnsQuery("absent.example.com"), where, within_s=WITHIN_S).rcode == NXDOMAIN


def test_truncated_response_says_so_and_tcp_gives_all(name_server: NameServer) -> None:
    """Ten long texts do not fit a datagram."""
    query, where = DnsQuery("big.example.com", "TXT"), address_of(name_server)
    short = ask_udp(query, where, within_s=WITHIN_S)
    assert (short.truncated, short.answers) == (True, ())
    assert len(ask_tcp(query, where, within_s=WITHIN_S).answers) == 10


def test_dnspython_reads_our_query_as_it_was_meant() -> None:
    """Name, type, recursion desired and options; without options no EDNS."""
    asked: list[dns.message.Message] = []

    def answer(octets: bytes) -> Iterable[bytes]:
        asked.append(dns.message.from_wire(octets))
        yield dns.message.make_response(asked[-1]).to_wire()

    queries = [DnsQuery("a_b.example.net"), DnsQuery("a.b", "HTTPS", ((65001, b"word"),))] * 4
    with DatagramServer(answer) as server:
        for query in queries:
            ask_udp(query, server.address, within_s=WITHIN_S)
    plain, optional, *_ = asked
    assert plain.question[0].to_text() == "a_b.example.net. IN A"
    assert (plain.flags, plain.edns) == (dns.flags.RD, -1)
    assert optional.question[0].to_text() == "a.b. IN HTTPS"
    assert [(option.otype, option.to_wire()) for option in optional.options] == [(65001, b"word")]
    assert len({message.id for message in asked}) > 2


def test_forged_datagrams_are_not_the_response() -> None:
    """Another ID, another question, a query, garbage: the true response behind them counts."""

    def answer(octets: bytes) -> Iterator[bytes]:
        query = dns.message.from_wire(octets)
        other = dns.message.make_query("other.example", "A", id=query.id)
        wrong_id = dns.message.make_response(query)
        wrong_id.id ^= 1
        yield from (b"", octets[:7], octets, b"\xff" * 40)
        yield wrong_id.to_wire()
        yield dns.message.make_response(other).to_wire()
        true = dns.message.make_response(query)
        true.set_rcode(dns.rcode.NXDOMAIN)
        yield true.to_wire()

    with DatagramServer(answer) as server:
        found = ask_udp(DnsQuery("home.example"), server.address, within_s=WITHIN_S)
    assert found.rcode == NXDOMAIN


def test_refusal_without_the_question_counts() -> None:
    """Servers that cannot read a query repeat nothing of it; other codes must."""

    def answer(octets: bytes) -> Iterator[bytes]:
        for rcode in (dns.rcode.NXDOMAIN, dns.rcode.REFUSED):
            bare = dns.message.make_response(dns.message.from_wire(octets))
            bare.question.clear()
            bare.set_rcode(rcode)
            yield bare.to_wire()

    with DatagramServer(answer) as server:
        found = ask_udp(DnsQuery("home.example"), server.address, within_s=WITHIN_S)
    assert found.rcode == dns.rcode.REFUSED


def test_upper_bits_of_a_response_code_are_read() -> None:
    """BADVERS is 16, of which the header has 0 (RFC 6891 section 6.1.3)."""

    def answer(octets: bytes) -> Iterator[bytes]:
        response = dns.message.make_response(dns.message.from_wire(octets))
        response.use_edns(0)
        response.set_rcode(dns.rcode.BADVERS)
        yield response.to_wire()

    with DatagramServer(answer) as server:
        asked = DnsQuery("home.example", options=((65001, b""),))
        assert ask_udp(asked, server.address, within_s=WITHIN_S).rcode == dns.rcode.BADVERS


def test_silence_ends_and_a_closed_port_ends_at_once() -> None:
    """Both as OSError; of silence TimeoutError, over TCP as over UDP."""
    query = DnsQuery("home.example")
    with DatagramServer(lambda _: ()) as silent, pytest.raises(TimeoutError):
        ask_udp(query, silent.address, within_s=0.05)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        where = SocketAddress(parse_address("127.0.0.1"), listening.getsockname()[1])
        with pytest.raises(TimeoutError):
            ask_tcp(query, where, within_s=0.05)
    for ask in (ask_udp, ask_tcp):
        with pytest.raises(ConnectionRefusedError):
            ask(query, where, within_s=WITHIN_S)


def test_source_address_is_the_one_given() -> None:
    """A machine with several addresses asks by the one that is meant."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        where = SocketAddress(parse_address("127.0.0.1"), server.getsockname()[1])
        with pytest.raises(TimeoutError):
            ask_udp(DnsQuery("home.example"), where, within_s=0.05, source="127.9.8.7")
        assert server.recvfrom(512)[1][0] == "127.9.8.7"


def test_tls_is_spoken_with_the_server_name(tmp_path: Path) -> None:
    """The certificate is checked against it, as the caller's context says."""
    pair = self_signed("dns.example", tmp_path, datetime.timedelta(days=1))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)

    def serve(listening: socket.socket) -> None:
        with context.wrap_socket(listening.accept()[0], server_side=True) as stream:
            (length,) = struct.unpack("!H", stream.recv(2))
            response = dns.message.make_response(dns.message.from_wire(stream.recv(length)))
            for octet in struct.pack("!H", len(response.to_wire())) + response.to_wire():
                stream.sendall(bytes([octet]))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=[listening])
        thread.start()
        where = SocketAddress(parse_address("127.0.0.1"), listening.getsockname()[1])
        trusting = pair.trusting_context()
        found = ask_tls(DnsQuery("a.example"), where, trusting, "dns.example", within_s=WITHIN_S)
        thread.join()
    assert found.rcode == NOERROR


def test_stream_that_ends_or_belongs_to_another_query_is_an_error() -> None:
    """Over TCP nobody else can send, so waiting on would be in vain."""

    def serve(listening: socket.socket) -> None:
        for octets in (b"\0", struct.pack("!H", 12) + bytes(12)):
            with listening.accept()[0] as stream:
                stream.recv(512)
                stream.sendall(octets)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=[listening])
        thread.start()
        where = SocketAddress(parse_address("127.0.0.1"), listening.getsockname()[1])
        for error in (ConnectionResetError, BadResponseError):
            with pytest.raises(error):
                ask_tcp(DnsQuery("a.example"), where, within_s=WITHIN_S)
        thread.join()


_MESSAGE = dns_client._message(DnsQuery("home.example"))
_HEADER = struct.pack("!HHHHHH", _MESSAGE.header.id, 0x8180, 1, 1, 0, 1)
_QUESTION = _MESSAGE.pack()[12:]


@given(st.binary(max_size=60), st.integers(1, 70), st.binary(max_size=40))
def test_reading_is_total(before: bytes, kind: int, data: bytes) -> None:
    """Whatever octets there are behind the question, they are read or refused."""
    record = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data
    for octets in (before, record, record + before):
        try:
            found = dns_client._response(_HEADER + _QUESTION + octets, _MESSAGE)
        except BadResponseError:
            continue
        assert isinstance(found, DnsResponse)
