"""Sockets that systemd hands over."""

import socket

import pytest

from cli.run.listening import activated
from smartdns.contract.addresses import parse_socket_address
from smartdns.contract.configuration import SettingError
from smartdns.sockets import NamedSocket, bind


def test_sockets_go_to_the_role_they_are_named_for() -> None:
    """The resolver takes udp and leaves the page's; who has none binds its own."""
    (ours,) = bind("udp", socket.SOCK_DGRAM, parse_socket_address("[::1]:0"))
    (page,) = bind("web", socket.SOCK_STREAM, parse_socket_address("127.0.0.1:0"))
    with ours.socket, page.socket:
        assert activated("resolver", [ours, page], 2) == [[ours], [ours]]
        assert activated("relay", [ours, page], 2) == []


def test_a_socket_for_both_families_is_refused_with_its_remedy() -> None:
    """IPv4 households would come by addresses that nobody registered."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as both:
        both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        both.bind(("::", 0))
        with pytest.raises(SettingError, match="BindIPv6Only=ipv6-only"):
            activated("resolver", [NamedSocket("udp", both)], 1)
        relays = NamedSocket("relay-tls", both)
        assert activated("relay", [relays], 1) == [[relays]], "it knows such addresses for IPv4"
