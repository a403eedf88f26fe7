"""DNS over TLS, as a listener."""

import datetime
import socket
import ssl
import struct
from pathlib import Path

import dns.message
import pytest
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from smartdns.contract.configuration import SettingError
from smartdns.resolver.stream_limits import StreamLimits
from smartdns.resolver.tls import ServerContext
from smartdns.wire.framing import with_length
from tests.peers.certificates import CertificatePair, self_signed
from tests.peers.name_server import NameServer
from tests.smartdns.resolver.conftest import Make
from tests.smartdns.resolver.laboratory import STRANGER, Laboratory

HOST = "dns.example.com"


@pytest.fixture
def certificate(tmp_path: Path) -> CertificatePair:
    """A certificate of our DNS name."""
    return self_signed(HOST, tmp_path, datetime.timedelta(days=1))


@pytest.fixture
def resolver(
    make_resolver: Make, name_server: NameServer, certificate: CertificatePair
) -> Laboratory:
    """A resolver that also listens for TLS."""
    context = ServerContext(certificate.certificate, certificate.key)
    laboratory = make_resolver(name_server.port, tls=context)
    laboratory.port = laboratory.tls_port
    return laboratory


async def test_kdig_is_answered_and_trusts_us(
    resolver: Laboratory, certificate: CertificatePair
) -> None:
    """A real client checks certificate and name, gets its answer, and several on one connection."""
    said = await resolver.kdig(
        f"+tls-ca={certificate.certificate}",
        f"+tls-hostname={HOST}",
        "+keepopen",
        "www.netflix.com",
        "alias.example.com",
    )
    assert "192.0.2.80" in said
    assert "198.51.100.1" in said
    assert "TLS session" in said


async def test_replies_are_padded_where_that_is_asked_for(
    resolver: Laboratory, certificate: CertificatePair
) -> None:
    """The length of an encrypted reply says nothing of its name (RFC 8467)."""
    query = dns.message.make_query("www.netflix.com", "A", use_edns=0, pad=128).to_wire()

    def ask() -> int:
        context = certificate.trusting_context()
        context.set_alpn_protocols(["dot"])
        with (
            socket.create_connection(("127.0.0.1", resolver.tls_port), 10) as plain,
            context.wrap_socket(plain, server_hostname=HOST) as client,
        ):
            assert client.selected_alpn_protocol() == "dot"
            client.sendall(with_length(query))
            (length,) = struct.unpack("!H", client.recv(2))
            return int(length)

    assert await deferToThread(ask) == 468


async def test_the_allowlist_holds_for_tls(
    resolver: Laboratory, certificate: CertificatePair
) -> None:
    """A stranger is refused, encrypted or not."""
    said = await resolver.kdig(
        f"+tls-ca={certificate.certificate}", f"+tls-hostname={HOST}", "-b", STRANGER, "example.com"
    )
    assert "status: REFUSED" in said


async def test_old_tls_and_plain_text_do_no_harm(resolver: Laboratory) -> None:
    """What is no handshake is closed, and the next client is served."""

    def babble() -> bytes:
        with socket.create_connection(("127.0.0.1", resolver.tls_port), 10) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            data = b""
            try:
                while part := client.recv(100):
                    data += part
            except OSError:
                pass
            return data

    await deferToThread(babble)
    assert "192.0.2.80" in await resolver.kdig("+tls", "www.netflix.com")


def test_a_certificate_that_is_none_is_named(tmp_path: Path, certificate: CertificatePair) -> None:
    """Which of the two files is wrong, and what it takes, in one line."""
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    with pytest.raises(SettingError, match="MEDIASTREAMER_DNS_CERTIFICATE: takes a certificate"):
        ServerContext(nonsense, certificate.key)
    other = self_signed("other.example.com", tmp_path, datetime.timedelta(days=1))
    for key in (nonsense, other.key):
        with pytest.raises(SettingError, match="MEDIASTREAMER_DNS_KEY: takes the certificate's"):
            ServerContext(certificate.certificate, key)


async def test_what_is_over_the_limit_is_closed_before_a_handshake(
    make_resolver: Make, name_server: NameServer, certificate: CertificatePair
) -> None:
    """A client may hold so many connections over TLS as over TCP, and no descriptor beyond."""
    context = ServerContext(certificate.certificate, certificate.key)
    resolver = make_resolver(name_server.port, tls=context, streams=StreamLimits(100, 3))

    def open_many() -> list[bytes | None]:
        clients = [socket.create_connection(("127.0.0.1", resolver.tls_port), 5) for _ in range(5)]
        ends: list[bytes | None] = []
        for client in clients:
            with client:
                client.settimeout(0.5 if len(ends) < 3 else 5)
                try:
                    ends.append(client.recv(1))
                except TimeoutError:
                    ends.append(None)
                except ConnectionResetError:
                    ends.append(b"")
        return ends

    assert await deferToThread(open_many) == [None, None, None, b"", b""]


async def test_who_does_not_say_goodbye_holds_no_connection(
    resolver: Laboratory, certificate: CertificatePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that has left the network answers no close: its connection ends all the same."""
    monkeypatch.setattr("smartdns.resolver.stream.STREAM_IDLE_S", 0.2)
    monkeypatch.setattr("smartdns.resolver.stream._WHOLE_WITHIN_S", 0.2)

    def connect() -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", resolver.tls_port), 10)
        client = certificate.trusting_context().wrap_socket(plain, server_hostname=HOST)
        client.sendall(with_length(dns.message.make_query("www.netflix.com", "A").to_wire()))
        assert client.recv(2)
        return client

    with await deferToThread(connect):
        assert resolver.listeners.metrics()["streams"] == 1
        for _ in range(300):
            if not resolver.listeners.metrics()["streams"]:
                break
            await deferLater(reactor, 0.01)
        assert not resolver.listeners.metrics()["streams"]
