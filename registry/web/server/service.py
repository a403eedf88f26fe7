"""The pages as a Twisted service, with its listening ports and its threads."""

import functools
import socket
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from flask import Flask
from twisted.application.service import Service
from twisted.internet import ssl
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.tcp import Port
from twisted.protocols.tls import TLSMemoryBIOFactory

from registry.settings import RegistrySettings
from registry.web.server.dispatch import Dispatch
from registry.web.server.error_pages import busy_pages
from registry.web.server.picture_site import make_picture_site
from registry.web.server.site import QuietSite, connections_of_process, household_of
from registry.web.services import Services
from registry.web.sign_in.known_browsers import known_at_all
from smartdns.contract.configuration import SettingError

if TYPE_CHECKING:
    from twisted.internet.interfaces import IListeningPort, IProtocolFactory


_AT_ONCE = 16
"""Connections taken in one turn of the reactor."""


class PagesService(Service):
    """Serves the application, and the picture site, on sockets that are already bound."""

    def __init__(self, application: Flask, services: Services) -> None:
        from twisted.internet import reactor  # noqa: PLC0415  # it is not installed any earlier

        self._reactor = reactor
        self._trusted = services.settings.trusted_proxies
        self._dispatch = Dispatch(
            reactor,
            application,
            self._trusted,
            busy_pages(application),
            functools.partial(known_at_all, services.seal),
        )
        self._ports: list[IListeningPort] = []
        self._certificate = _certificate(services.settings)
        self.listen: list[str] = []
        """URLs at which pages are served."""

    @property
    def listening(self) -> bool:
        """Whether pages are served."""
        return len(self._ports) >= len(self.listen) > 0

    def startService(self) -> None:
        """Start the threads; `open` starts serving."""
        super().startService()  # type: ignore[no-untyped-call]
        self._dispatch.start()
        # A running thread would keep the process alive after the reactor has ended.
        self._reactor.addSystemEventTrigger("during", "shutdown", self._dispatch.stop)

    def open(self, sockets: Mapping[str, Sequence[socket.socket]]) -> None:
        """Serve pages on the sockets under "web", the picture on those under "check"."""
        web = sockets.get("web", ())
        scheme = "http" if self._certificate is None else "https"
        self.listen = [f"{scheme}://{_text(bound)}" for bound in web]
        connections = connections_of_process()
        self._listen(web, QuietSite(self._dispatch, connections, household_of(self._trusted)))
        self._listen(sockets.get("check", ()), make_picture_site(connections))

    def _listen(self, sockets: Sequence[socket.socket], factory: "IProtocolFactory") -> None:
        if self._certificate is not None:
            factory = TLSMemoryBIOFactory(self._certificate, False, factory)
        for bound in sockets:
            # As the reactor's `adoptStreamPort` makes one of its own class.
            port = _Port._fromListeningDescriptor(  # type: ignore[no-untyped-call]  # noqa: SLF001
                self._reactor, bound.fileno(), bound.family, factory
            )
            port.startListening()
            self._ports.append(port)

    def stopService(self) -> Deferred[None]:
        """Stop listening, finish the present requests, then end the threads."""
        super().stopService()  # type: ignore[no-untyped-call]
        ports, self._ports = self._ports, []
        closed = gatherResults([maybeDeferred(port.stopListening) for port in ports])
        return closed.addCallback(lambda _: self._dispatch.stop())


class _Port(Port):
    """Takes few connections in one turn of the reactor.

    What is closed to make room is gone with the next turn. Twisted's port takes more and more
    connections in one turn where many wait, and then runs out of descriptors and resets some.
    """

    numberAccepts: int  # noqa: N815 - Twisted's

    def doRead(self) -> None:
        """Accept what waits, up to a bound."""
        self.numberAccepts = min(self.numberAccepts, _AT_ONCE)
        super().doRead()  # type: ignore[no-untyped-call]


def _certificate(settings: RegistrySettings) -> ssl.CertificateOptions | None:
    if settings.web_certificate is None or settings.web_key is None:
        return None
    try:
        key = settings.web_key.read_bytes()
        chain = settings.web_certificate.read_bytes()
        pair = ssl.PrivateCertificate.loadPEM(key + b"\n" + chain)
    except Exception as error:  # noqa: BLE001  # OpenSSL raises many kinds of errors
        raise SettingError(
            "MEDIASTREAMER_WEB_CERTIFICATE, MEDIASTREAMER_WEB_KEY: cannot be used "
            f"({type(error).__name__}); give PEM files that belong together"
        ) from None
    options: ssl.CertificateOptions = pair.options()
    return options


def _text(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
