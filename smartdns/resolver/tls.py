"""The server's side of DNS over TLS (RFC 7858): the certificate that clients see."""

from pathlib import Path

from OpenSSL import SSL
from twisted.internet.interfaces import IAddress, IOpenSSLContextFactory, IProtocolFactory
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from zope.interface import implementer

from smartdns.contract.configuration import SettingError

_ALPN = b"dot"


@implementer(IOpenSSLContextFactory)
class ServerContext:
    """A certificate with its chain and key, read once; a new worker reads the files again."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Read PEM files; SettingError if they are no PEM files or do not belong together."""
        self._context = SSL.Context(SSL.TLS_SERVER_METHOD)
        self._context.set_min_proto_version(SSL.TLS1_2_VERSION)
        self._context.set_alpn_select_callback(_select)
        # A cached session would remember a client; tickets are enough to resume.
        self._context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        try:
            self._context.use_certificate_chain_file(str(certificate))
        except SSL.Error:
            raise SettingError(
                "MEDIASTREAMER_DNS_CERTIFICATE: takes a certificate with its chain in PEM"
            ) from None
        try:
            self._context.use_privatekey_file(str(key))
            self._context.check_privatekey()
        except SSL.Error:
            raise SettingError(
                "MEDIASTREAMER_DNS_KEY: takes the certificate's private key in PEM"
            ) from None

    def getContext(self) -> SSL.Context:
        """Give the context; Twisted calls this for each connection."""
        return self._context


class OverTls(TLSMemoryBIOFactory):
    """Wraps the connections of another factory in TLS."""

    def __init__(self, context: ServerContext, streams: IProtocolFactory) -> None:
        super().__init__(context, False, streams)

    def buildProtocol(  # type: ignore[override]  # IProtocolFactory has None, WrappingFactory not
        self, addr: IAddress | None
    ) -> TLSMemoryBIOProtocol | None:
        """Give None if `streams` does: Twisted's own factory would keep the connection open."""
        stream = self.wrappedFactory.buildProtocol(addr)
        return None if stream is None else self.protocol(self, stream)


def _select(_: SSL.Connection, offered: list[bytes]) -> "bytes | SSL._NoOverlappingProtocols":
    return _ALPN if _ALPN in offered else SSL.NO_OVERLAPPING_PROTOCOLS
