"""What `up` chooses: an option before the operator's setting, and that before a default."""

from collections.abc import Callable
from pathlib import Path

import click
import pytest

from cli.run import up_settings
from cli.run.up_settings import UpOptions, chosen_settings
from smartdns.contract.addresses import parse_socket_address

CONTEXT = click.Context(click.Command("up"))
OPTION = click.Option(["--option"])


def test_without_anything_it_serves_this_machine() -> None:
    """No port below 1024, so that nobody needs to be root."""
    chosen = chosen_settings(UpOptions(), {})
    assert chosen["dns_listen"] == "127.0.0.1:1053"
    assert chosen["public_url"] == "http://127.0.0.1:8053"
    assert chosen["dns_addresses"] == chosen["dns_listen"]
    assert chosen["relay_addresses"] == "*=127.0.0.1"


def test_an_option_wins_over_a_setting_and_that_over_a_default(tmp_path: Path) -> None:
    """What follows from a setting follows from the one that won."""
    options = UpOptions(
        dns=parse_socket_address("127.0.0.2:53"), upstreams=("9.9.9.9:53",), zones=(tmp_path,)
    )
    given = {"dns_listen": "127.0.0.3:53", "web_listen": "127.0.0.4:80", "workers": "7"}
    chosen = chosen_settings(options, given)
    assert chosen["dns_listen"] == chosen["dns_addresses"] == "127.0.0.2:53"
    assert chosen["public_url"] == "http://127.0.0.4:80"
    assert chosen["workers"] == "7"
    assert (chosen["upstreams"], chosen["zones"]) == ("9.9.9.9:53", str(tmp_path))


def test_on_a_home_network_it_takes_the_ports_that_devices_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At this machine's address there."""
    monkeypatch.setattr(up_settings, "lan_address", lambda: "192.168.1.9")
    chosen = chosen_settings(UpOptions(lan=True), {})
    assert chosen["dns_listen"] == "192.168.1.9:53"
    assert chosen["relay_tls_listen"] == "192.168.1.9:443"
    assert chosen["relay_http_listen"] == "192.168.1.9:80"
    assert chosen["relay_addresses"] == "*=192.168.1.9"
    assert chosen["public_url"] == "http://192.168.1.9:8053"


def test_a_page_on_every_address_is_reached_by_loopback() -> None:
    """No browser opens 0.0.0.0."""
    chosen = chosen_settings(UpOptions(web=parse_socket_address("0.0.0.0:8053")), {})
    assert chosen["public_url"] == "http://127.0.0.1:8053"


@pytest.mark.parametrize(
    ("given", "checks"),
    [
        ({}, True),
        ({"relay_addresses": "us=127.0.0.1 gb=203.0.113.9"}, False),
        ({"relay_addresses": "us=203.0.113.9", "relay_tls_listen": "0.0.0.0:443"}, True),
        ({"check_origin": "127.0.0.1:9000"}, False),
    ],
)
def test_the_check_looks_at_relays_of_its_own_alone(given: dict[str, str], checks: bool) -> None:
    """A relay elsewhere that lacks CHECK_ORIGIN would look down."""
    assert ("check_listen" in chosen_settings(UpOptions(), given)) is checks


def test_an_upstream_may_be_named() -> None:
    """A name is looked up once, at the start."""
    found = up_settings.upstreams(
        CONTEXT, OPTION, ["localhost", "9.9.9.9", "tls://x.example@1.1.1.1"]
    )
    assert "127.0.0.1:53" in found or "[::1]:53" in found
    assert found[-2:] == ["9.9.9.9:53", "tls://x.example@1.1.1.1:853"]


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (lambda text: up_settings.socket_address(CONTEXT, OPTION, text), "localhost:53"),
        (lambda text: up_settings.upstreams(CONTEXT, OPTION, [text]), "9.9.9.9:port"),
        (lambda text: up_settings.upstreams(CONTEXT, OPTION, [text]), "tls://1.1.1.1"),
        (lambda text: up_settings.upstreams(CONTEXT, OPTION, [text]), "no-such-name.invalid"),
        (lambda text: up_settings.relay_addresses(CONTEXT, OPTION, [text]), "us=name.example"),
        (lambda text: up_settings.relay_addresses(CONTEXT, OPTION, [text]), "us"),
    ],
)
def test_a_wrong_option_is_told_what_it_takes(read: Callable[[str], object], text: str) -> None:
    """Click adds the option's name, and ends with 2."""
    with pytest.raises(click.BadParameter, match="takes"):
        read(text)
