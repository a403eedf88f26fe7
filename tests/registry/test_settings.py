import ipaddress
from dataclasses import fields
from pathlib import Path

import pytest

from registry.own_addresses import gateways
from registry.settings import _PARSERS, RegistrySettings, SignUp, read_settings
from smartdns.contract.addresses import parse_network
from smartdns.contract.configuration import Configuration, SettingError


def settings(**texts: str) -> RegistrySettings:
    """Settings from these texts."""
    return read_settings(Configuration(texts))


def test_every_field_is_a_setting() -> None:
    """No field without a way to set it, none to set without a field."""
    assert {field.name for field in fields(RegistrySettings)} == set(_PARSERS)


def test_defaults_suit_a_trial() -> None:
    """Nothing given: five slots, nobody trusted, no sign-up, no private addresses."""
    found = settings()
    assert found.slot_limit == 5
    assert found.trusted_proxies == ()
    assert found.sign_up is SignUp.CLOSED
    assert not found.private_sources
    assert not found.follow_hostnames


def test_secrets_are_not_shown() -> None:
    """Printing the settings shows no secret."""
    assert "0123456789" not in repr(settings(secret_key="0123456789" * 4))


def test_values_are_typed() -> None:
    """Texts become what the registry works with."""
    found = settings(
        public_url="https://DNS.example.com:8443/",
        trusted_proxies="10.0.0.1, 2001:db8::/48",
        sign_up="Invitation",
        dns_addresses="192.0.2.1 [2001:db8::1]:5353",
        relay_addresses="us=192.0.2.2,192.0.2.3 *=192.0.2.4",
        known_networks="vpn=/a,/b",
        ipv4_host="IPv4.example.com.",
    )
    assert found.public_url == "https://DNS.example.com:8443"
    assert found.public_host == "dns.example.com"
    assert found.trusted_proxies == (parse_network("10.0.0.1"), parse_network("2001:db8::/48"))
    assert found.sign_up is SignUp.INVITATION
    assert [str(server) for server in found.dns_addresses] == ["192.0.2.1:53", "[2001:db8::1]:5353"]
    assert [str(a) for a in found.relay_addresses["us"]] == ["192.0.2.2", "192.0.2.3"]
    assert found.known_networks == {"vpn": (Path("/a"), Path("/b"))}
    assert found.ipv4_host == "ipv4.example.com"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("database_url", "mysql://x/y"),
        ("redis_url", "localhost:6379"),
        ("redis_url", "redis://localhost:99999/0"),
        ("public_url", "dns.example.com"),
        ("public_url", "https://dns.example.com/settings"),
        ("public_url", "https://me:pw@dns.example.com"),
        ("trusted_proxies", "everybody"),
        ("trusted_proxies", "10.0.0.1/8"),
        ("trusted_proxies", "0.0.0.0/0"),
        ("trusted_proxies", "10.0.0.0/7"),
        ("trusted_proxies", "127.0.0.1, 8.8.0.0/23"),
        ("trusted_proxies", "::/0"),
        ("trusted_proxies", "2a00:1450::/47"),
        ("sign_up", "maybe"),
        ("slot_limit", "0"),
        ("slot_limit", "many"),
        ("ipv6_prefix", "32"),
        ("private_sources", "perhaps"),
        ("secret_key", "short"),
        ("mail_url", "imap://example.com"),
        ("dns_addresses", "dns.example.com"),
        ("relay_addresses", "us"),
        ("known_networks", "cellar=/x"),
        ("ipv4_host", "https://x"),
        ("web_certificate", "/x.pem"),
    ],
)
def test_wrong_settings_are_named(name: str, text: str) -> None:
    """One line that names the setting; no value of it, which may be a secret."""
    with pytest.raises(SettingError, match=f"MEDIASTREAMER_{name.upper()}") as refusal:
        settings(**{name: text})
    assert "\n" not in str(refusal.value)


def test_own_addresses_follow_from_settings() -> None:
    """Relays and resolvers may not register; at home the machine's private ones may."""
    texts = {"relay_addresses": "us=8.8.8.8 gb=192.168.1.5", "dns_addresses": "9.9.9.9"}
    public = settings(**texts).address_rules().own - gateways()
    at_home = settings(**texts, private_sources="1").address_rules().own - gateways()
    assert {str(address) for address in public} == {"8.8.8.8", "9.9.9.9", "192.168.1.5"}
    assert {str(address) for address in at_home} == {"8.8.8.8", "9.9.9.9"}


def test_gateways_are_read_from_the_routes(tmp_path: Path) -> None:
    """The kernel's tables of both families; routes without a gateway have none."""
    ipv4, ipv6 = tmp_path / "route", tmp_path / "ipv6_route"
    ipv4.write_text(
        "Iface\tDestination\tGateway\tFlags\n"
        "eth0\t00000000\t010011AC\t0003\n"
        "eth0\t000011AC\t00000000\t0001\n"
    )
    zeros = "0" * 32
    ipv6.write_text(f"{zeros} 00 {zeros} 00 fd00000000000000000000000000000a 1 0 0 0 eth0\n")
    found = gateways(ipv4, ipv6)
    assert found == {ipaddress.ip_address("172.17.0.1"), ipaddress.ip_address("fd00::a")}
    assert gateways(tmp_path / "none", tmp_path / "none") == frozenset()


def test_known_networks_are_read_from_files(tmp_path: Path) -> None:
    """VPN lists with comments and Apple's CSV alike; the first column is the network."""
    vpn, relay = tmp_path / "vpn", tmp_path / "relay.csv"
    vpn.write_text("# list\n\n8.8.0.0/16  # provider\n9.9.9.9\n")
    relay.write_text("2a00:1450::/45,GB,GB-EN,London,\n")
    known = settings(known_networks=f"vpn={vpn} private-relay={relay}").address_rules().known
    for address, word in [
        ("8.8.4.4", "vpn"),
        ("9.9.9.9", "vpn"),
        ("9.9.9.8", None),
        ("2a00:1450:0:1::1", "private-relay"),
    ]:
        assert known.find(ipaddress.ip_address(address)) == word


@pytest.mark.parametrize("content", [b"nonsense\n", b"\xff\xff\xff\n"])
def test_broken_files_of_networks_are_named(tmp_path: Path, content: bytes) -> None:
    """File and line of what cannot be read."""
    file = tmp_path / "vpn"
    file.write_bytes(content)
    with pytest.raises(SettingError, match=r"MEDIASTREAMER_KNOWN_NETWORKS: .*vpn"):
        settings(known_networks=f"vpn={file}").address_rules()
