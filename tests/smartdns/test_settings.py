"""Settings of the data plane."""

import dataclasses
import ipaddress
from pathlib import Path

import pytest

from smartdns import settings as settings_module
from smartdns.contract.addresses import parse_socket_address
from smartdns.contract.configuration import Configuration, SettingError
from smartdns.settings import DataPlaneSettings, read_settings
from smartdns.upstream.addresses import UpstreamAddress, upstreams_of_resolv_conf


def read(**texts: str) -> DataPlaneSettings:
    """Read settings that consist of `texts`."""
    return read_settings(Configuration(texts))


def test_every_setting_has_a_default() -> None:
    """A configuration that says nothing is enough to start with."""
    assert read(upstreams="192.0.2.1").dns_listen[0].port == 1053


def test_every_field_can_be_set() -> None:
    """No field of the settings is out of the operator's reach."""
    fields = {field.name for field in dataclasses.fields(DataPlaneSettings)}
    assert fields == set(settings_module._PARSERS)


def test_a_full_configuration_is_typed() -> None:
    """Addresses, tables, switches and counts come out as such."""
    settings = read(
        dns_listen="0.0.0.0:53 [::]:53,127.0.0.1:54",
        upstreams="192.0.2.1 [2001:db8::1]:5353 tls://dns.example@192.0.2.2",
        forward_suffixes="lan=192.168.1.1 fritz.box=192.168.178.1,192.168.178.2:54",
        relay_addresses="us=192.0.2.8,2001:db8::8 *=192.0.2.9",
        client_rate="0",
        open_names="yes",
        public_url="https://tv.example.com/",
        cookie_secret="00" * 16,
        metrics="127.0.0.1:9153",
    )
    assert [str(listen) for listen in settings.dns_listen] == [
        "0.0.0.0:53",
        "[::]:53",
        "127.0.0.1:54",
    ]
    assert [str(upstream) for upstream in settings.upstreams] == [
        "192.0.2.1:53",
        "[2001:db8::1]:5353",
        "tls://dns.example@192.0.2.2:853",
    ]
    assert [u.port for u in settings.forward_suffixes["fritz.box"]] == [53, 54]
    assert settings.relay_addresses["us"] == (
        ipaddress.ip_address("192.0.2.8"),
        ipaddress.ip_address("2001:db8::8"),
    )
    assert (settings.client_rate, settings.open_names) == (0, True)
    assert settings.public_host == "tv.example.com"
    assert settings.metrics == parse_socket_address("127.0.0.1:9153")


@pytest.mark.parametrize(
    ("name", "text", "takes"),
    [
        ("redis_url", "127.0.0.1:6379", "redis://"),
        ("redis_url", "redis://127.0.0.1:99999/0", "redis://"),
        ("redis_url", "redis+sentinel://127.0.0.1/", "SERVICE"),
        ("dns_listen", "1053", "ADDRESS:PORT"),
        ("dns_listen", "127.0.0.1:66000", "ADDRESS:PORT"),
        ("upstreams", "dns.example", "ADDRESS"),
        ("upstreams", "tls://192.0.2.1", "tls://NAME@ADDRESS"),
        ("forward_suffixes", "lan", "KEY=VALUE"),
        ("forward_suffixes", "lan=router", "ADDRESS"),
        ("relay_addresses", "us=relay.example", "address"),
        ("client_rate", "-1", "whole number"),
        ("workers", "0", "1 or more"),
        ("open_names", "maybe", "1 or 0"),
        ("dns_certificate", "/nowhere/at/all.pem", "takes a file"),
        ("zones", "/nowhere/at/all", "takes folders"),
        ("cookie_secret", "secret", "32 hexadecimal digits"),
        ("public_url", "tv.example.com", "http://HOST"),
        ("public_url", "https://tv..example.com", "a dot too many"),
        ("public_url", f"https://{'a' * 70}.example", "63 characters"),
        ("metrics", "0.0.0.0:9153", "loopback"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_takes(name: str, text: str, takes: str) -> None:
    """One line tells the operator which setting is wrong and what to write instead."""
    with pytest.raises(SettingError) as error:
        read(**{name: text})
    assert str(error.value).startswith(f"MEDIASTREAMER_{name.upper()}: ")
    assert takes in str(error.value)
    assert "\n" not in str(error.value)


def test_a_secret_is_not_shown() -> None:
    """Neither the settings' repr nor an error gives a secret away, in a URL or by itself."""
    assert "hidden" not in repr(read(redis_url="redis://:hidden@127.0.0.1:6379/0"))
    with pytest.raises(SettingError) as error:
        read(redis_url="redis://:hidden@127.0.0.1:99999/0")
    assert "hidden" not in str(error.value)
    assert "ab" * 16 not in repr(read(cookie_secret="ab" * 16))
    assert repr(bytes.fromhex("ab" * 16)) not in repr(read(cookie_secret="ab" * 16))
    with pytest.raises(SettingError) as error:
        read(cookie_secret="abc")
    assert "abc" not in str(error.value)


def test_a_certificate_opens_dns_over_tls(tmp_path: Path) -> None:
    """Given a certificate and a key, port 853 of each DNS address is listened on."""
    pem = tmp_path / "dns.pem"
    pem.touch()
    settings = read(
        dns_listen="192.0.2.1:53 192.0.2.1:54", dns_certificate=str(pem), dns_key=str(pem)
    )
    assert [str(listen) for listen in settings.dns_tls_listen] == ["192.0.2.1:853"]
    with pytest.raises(SettingError, match="both or neither"):
        read(dns_certificate=str(pem))


def test_the_systems_upstreams_are_the_default() -> None:
    """resolv.conf(5): name servers in order, each once, what cannot be read skipped."""
    lines = ["# comment", "search lan", "nameserver 192.0.2.1", "nameserver ::1", "nameserver x"]
    assert upstreams_of_resolv_conf([*lines, "nameserver 192.0.2.1"]) == (
        UpstreamAddress(ipaddress.ip_address("192.0.2.1")),
        UpstreamAddress(ipaddress.ip_address("::1")),
    )


def test_a_relay_of_our_own_is_checked_where_it_listens() -> None:
    """At home the relay is not at port 443, and must not be taken for dead."""
    assert read().relay_check_port == 8443
    assert read(relay_addresses="us=192.0.2.8 *=127.0.0.1").relay_check_port == 443
    assert read(relay_check_port="0").relay_check_port == 0
