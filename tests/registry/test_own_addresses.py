"""Gateways of this machine, and networks from files."""

import ipaddress
from pathlib import Path

import pytest

from registry.own_addresses import gateways, networks_of_files
from smartdns.contract.configuration import SettingError

ROUTES = """Iface\tDestination\tGateway\tFlags
eth0\t00000000\t0101A8C0\t0003
eth0\t0001A8C0\t00000000\t0001
"""
ROUTES_IPV6 = (
    f"{'0' * 32} 00 {'0' * 32} 00 fe80{'0' * 27}1 00000400 00000001 00000000 00000003 eth0\n"
    f"fe80{'0' * 28} 40 {'0' * 32} 00 {'0' * 32} 00000100 00000001 00000000 00000001 eth0\n"
)


def test_gateways_are_read_from_the_routes_of_linux(tmp_path: Path) -> None:
    """A route without a gateway has none; on another system there are no files."""
    ipv4, ipv6 = tmp_path / "route", tmp_path / "ipv6_route"
    assert gateways(ipv4, ipv6) == frozenset()
    ipv4.write_text(ROUTES)
    ipv6.write_text(ROUTES_IPV6)
    assert gateways(ipv4, ipv6) == {
        ipaddress.ip_address("192.168.1.1"),
        ipaddress.ip_address("fe80::1"),
    }


def test_networks_are_read_from_lists_of_any_form(tmp_path: Path) -> None:
    """Apple's CSV and lists of VPNs begin each line with a network; the rest is ignored."""
    apple, vpn = tmp_path / "apple.csv", tmp_path / "vpn.txt"
    apple.write_text("198.51.100.0/24,US,US-CA,Cupertino,\n2001:db8::/45,GB,,,\n")
    vpn.write_text("# a list\n\n203.0.113.7/24 exit in Oslo\n192.0.2.1 # one\n")
    found = networks_of_files({"private-relay": (apple,), "vpn": (vpn,)})
    for address, word in (
        ("198.51.100.9", "private-relay"), ("2001:db8::9", "private-relay"),
        ("203.0.113.200", "vpn"), ("192.0.2.1", "vpn"), ("192.0.2.2", None),
    ):  # fmt: skip
        assert found.find(ipaddress.ip_address(address)) == word


@pytest.mark.parametrize(
    ("content", "said"), [("192.0.2.0/24\nno network\n", ":2: the line must begin"), (None, "read")]
)
def test_a_list_that_cannot_be_used_is_named(
    tmp_path: Path, content: str | None, said: str
) -> None:
    """With the setting, and the line."""
    path = tmp_path / "list"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingError, match=f"KNOWN_NETWORKS: .*list.*{said}"):
        networks_of_files({"vpn": (path,)})
