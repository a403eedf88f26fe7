"""Sockets that systemd hands over."""

import socket
from contextlib import ExitStack

import pytest

from cli.run.listening import activated, close, is_spread
from smartdns.contract.addresses import parse_socket_address
from smartdns.contract.configuration import SettingError
from smartdns.process.sockets import NamedSocket, bind


def test_sockets_go_to_the_role_they_are_named_for() -> None:
    """The resolver takes udp and leaves the page's; who has none binds its own."""
    (ours,) = bind("udp", socket.SOCK_DGRAM, parse_socket_address("[::1]:0"))
    (page,) = bind("web", socket.SOCK_STREAM, parse_socket_address("127.0.0.1:0"))
    with ours.socket, page.socket:
        assert activated("resolver", [ours, page], 1) == [[ours]]
        assert activated("relay", [ours, page], 2) == []


def test_one_socket_for_two_workers_is_in_both_and_that_is_known() -> None:
    """Either may get what a household asks, so its rates are split."""
    (only,) = bind("udp", socket.SOCK_DGRAM, parse_socket_address("127.0.0.1:0"))
    with only.socket:
        first, second = activated("resolver", [only], 2)
        assert [each.socket for each in first] == [each.socket for each in second] == [only.socket]
        assert is_spread([first, second])


def test_sockets_for_each_worker_are_picked_by_source() -> None:
    """As systemd binds them with ReusePort=yes and a line for each; for three workers none are."""
    ports = [parse_socket_address(each) for each in ("127.0.0.1:0", "127.0.0.2:0")]
    kinds = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}
    groups = [bind(name, kinds[name], where, 2) for where in ports for name in kinds]
    given = [NamedSocket(each.name, each.socket) for group in groups for each in group]
    first, second = activated("resolver", given, 2)
    assert first == given[::2]
    assert second == given[1::2]
    assert not is_spread([first, second])
    assert is_spread(activated("resolver", given, 3))
    close([given])


def test_sockets_that_do_not_share_their_port_are_in_every_worker() -> None:
    """Two of UDP by SO_REUSEADDR alone are no group; the kernel refuses to pick among them."""
    with ExitStack() as closing:
        given = []
        for _ in range(2):
            bound = closing.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(("127.0.0.1", given[0].socket.getsockname()[1] if given else 0))
            given.append(NamedSocket("udp", bound))
        sets = activated("resolver", given, 2)
        assert [len(each) for each in sets] == [2, 2]
        assert is_spread(sets)


def test_a_socket_for_both_families_is_refused_with_its_remedy() -> None:
    """IPv4 households would come by addresses that nobody registered."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as both:
        both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        both.bind(("::", 0))
        with pytest.raises(SettingError, match="BindIPv6Only=ipv6-only"):
            activated("resolver", [NamedSocket("udp", both)], 1)
        relays = NamedSocket("relay-tls", both)
        assert activated("relay", [relays], 1) == [[relays]], "it knows such addresses for IPv4"
