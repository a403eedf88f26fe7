"""What an application is told of a request, and what is kept from it."""

from collections.abc import Iterable
from typing import Any

import pytest

from registry.web.arriving.client_address import FORWARDING_HEADERS
from registry.web.arriving.sender import SenderMiddleware
from smartdns.contract.addresses import parse_network

PROXIES = (parse_network("10.0.0.1"),)


def told(**carried: str) -> dict[str, Any]:
    """Give the environ in which a request of a named proxy reaches the application."""
    seen: dict[str, Any] = {}

    def application(environ: dict[str, Any], _start_response: object) -> Iterable[bytes]:
        seen.update(environ)
        return []

    arrival = SenderMiddleware(
        application, "https://dns.example.com", frozenset({"dns.example.com"}), ".check.x", PROXIES
    )
    environ = {
        "REMOTE_ADDR": "10.0.0.1",
        "HTTP_HOST": "dns.example.com",
        "wsgi.url_scheme": "http",
        "HTTP_X_FORWARDED_FOR": "198.51.100.7",
        **carried,
    }
    arrival(environ, lambda *_: None)
    return seen


@pytest.mark.parametrize(
    "header",
    [*sorted(FORWARDING_HEADERS), *(f"x-forwarded-{what}" for what in ("host", "proto", "port"))],
)
def test_no_library_can_read_who_sent_it_from_a_header(header: str) -> None:
    """Each header that claims to know sender, host or scheme better ends before the application."""
    name = "HTTP_" + header.upper().replace("-", "_")
    environ = told(**{name: "9.9.9.9"} if name != "HTTP_X_FORWARDED_FOR" else {})
    assert name not in environ


def test_sender_host_and_scheme_are_those_that_were_settled() -> None:
    """The client's address in the proxy's place, and all else as the public URL has it."""
    environ = told(HTTP_X_FORWARDED_PROTO="http")
    assert environ["REMOTE_ADDR"] == "198.51.100.7"
    assert (environ["HTTP_HOST"], environ["wsgi.url_scheme"]) == ("dns.example.com", "https")
