"""WSGI middleware that determines the sender of a request and checks its host.

Libraries read Host, X-Forwarded-For and similar headers by themselves. So the middleware removes
or replaces these headers: the application sees the address that `client_address` has found, and
the host of `PUBLIC_URL`.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import request

from registry.web.arriving.client_address import (
    FORWARDING_HEADERS,
    ClientAddressError,
    find_client_address,
)
from smartdns.contract.addresses import Address, Network

_ADDRESS = "mediastreamer.address"
_REFUSAL = "mediastreamer.refusal"
_HOST = re.compile(r"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]*))(?::[0-9]+)?")
_STRIPPED = ("x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "x-forwarded-prefix")

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class SenderMiddleware:
    """WSGI middleware: sets the sender and the host, then calls the application."""

    application: Application
    public_url: str
    own_hosts: frozenset[str]
    """Our host names, lower-case and without ports."""
    own_domain: str
    """With a dot in front; every name below it is also ours."""
    trusted_proxies: Sequence[Network]

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Determine the sender, replace the host, remove forwarding headers, and go on."""
        try:
            environ[_ADDRESS] = self._sender(environ)
            if not self._is_ours(environ.get("HTTP_HOST", "")):
                environ[_REFUSAL] = (
                    "this server does not have the name that you asked for: open it by its"
                    " address, or set MEDIASTREAMER_PUBLIC_URL to that name"
                )
        except ClientAddressError as error:
            environ[_REFUSAL] = str(error)
        for name in (*FORWARDING_HEADERS, *_STRIPPED):
            environ.pop(_key(name), None)
        url = urlsplit(self.public_url)
        environ["HTTP_HOST"] = environ["SERVER_NAME"] = url.netloc
        environ["wsgi.url_scheme"] = url.scheme
        environ["REMOTE_ADDR"] = str(environ.get(_ADDRESS, ""))
        return self.application(environ, start_response)

    def _sender(self, environ: dict[str, Any]) -> Address:
        carried = {name for name in FORWARDING_HEADERS if _key(name) in environ}
        return find_client_address(
            environ["REMOTE_ADDR"],
            environ.get("HTTP_X_FORWARDED_FOR", ""),
            carried,
            self.trusted_proxies,
        )

    def _is_ours(self, host: str) -> bool:
        """Accept our names and every address; any other name would allow DNS rebinding.

        Routers use HTTP/1.0, sometimes without a Host header.
        """
        name = _HOST.fullmatch(host.strip().lower())
        if name is None:
            return False
        if not host or name["name"] in {*self.own_hosts, "localhost"}:
            return True
        if (name["name"] or "").endswith(self.own_domain):
            return True
        try:
            ipaddress.ip_address(name["name"] or name["ipv6"])
        except ValueError:
            return False
        return True


def _key(header: str) -> str:
    return "HTTP_" + header.upper().replace("-", "_")


def sender() -> Address:
    """Give the address that the current request was sent from."""
    return sender_of(request.environ)


def sender_of(environ: Mapping[str, Any]) -> Address:
    """Give the address that a request was sent from, for code without Flask."""
    address: Address = environ[_ADDRESS]
    return address


def refusal() -> str | None:
    """Give the reason why the current request is refused, or None."""
    return refusal_of(request.environ)


def refusal_of(environ: Mapping[str, Any]) -> str | None:
    """Give the reason why a request is refused, or None; for code without Flask."""
    reason: str | None = environ.get(_REFUSAL)
    return reason
