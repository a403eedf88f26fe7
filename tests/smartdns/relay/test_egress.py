import pytest

from smartdns.contract.addresses import parse_socket_address
from smartdns.relay.egress import Socks5, parse_egresses
from smartdns.upstream.egress import Direct


def test_without_any_every_region_is_served_by_the_ordinary_way() -> None:
    """A household's machine needs no setting."""
    assert parse_egresses({}) == {"*": Direct()}


def test_every_kind_of_egress_is_understood() -> None:
    """Source addresses, interfaces and SOCKS5 servers, by region."""
    assert parse_egresses(
        {
            "us": ("192.0.2.1", "2001:db8::1"),
            "gb": ("wg-gb0",),
            "de": ("socks5://127.0.0.1:9050",),
            "fr": ("socks5://me:p%40ss@[::1]",),
            "nl": ("direct",),
            "at": ("192.0.2.7", "eth1.5"),
        }
    ) == {
        "us": Direct("192.0.2.1", "2001:db8::1"),
        "gb": Direct(interface="wg-gb0"),
        "de": Socks5(parse_socket_address("127.0.0.1:9050")),
        "fr": Socks5(parse_socket_address("[::1]:1080"), (b"me", b"p@ss")),
        "nl": Direct(),
        "at": Direct("192.0.2.7", interface="eth1.5"),
    }


@pytest.mark.parametrize(
    "word",
    [
        "http://127.0.0.1:3128", "socks5://relay.example:1080", "socks5://127.0.0.1:99999",
        "socks5://127.0.0.1:1080/path", "eth0;reboot", "a-name-longer-than-15", "192.0.2.300",
        "socks5://me:@127.0.0.1:1080", "",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_what_it_takes(word: str) -> None:
    """A wrong egress stops the start; it never means the ordinary one."""
    with pytest.raises(ValueError, match="takes"):
        parse_egresses({"us": (word,)})


def test_one_address_of_each_family_is_enough() -> None:
    """Two would leave open which one is meant."""
    with pytest.raises(ValueError, match="one address of each family"):
        parse_egresses({"us": ("192.0.2.1", "192.0.2.2")})
