"""How often somebody may try; counted for an hour at most, under names that say nothing."""

import ipaddress
import time
from collections.abc import Callable

import pytest
from flask import Flask, Response
from limits import parse
from limits.storage import MemoryStorage

from registry.web.arriving.throttle import _LIMITS, _key, throttle
from tests.peers.waiting import wait_until

Try = Callable[..., int]


def tries_of(endpoint: str, status: int = 200) -> Try:
    """Give what sends a form to a throttled view of that name, from an address, for an account."""
    app = Flask("any")
    app.add_url_rule("/form", endpoint, lambda: Response(status=status), methods=["GET", "POST"])
    throttle(app)
    client = app.test_client()

    def send(address: str, email: str = "", method: str = "POST") -> int:
        sender = {"mediastreamer.address": ipaddress.ip_address(address)}
        form = {"email": email}
        return client.open("/form", method=method, data=form, environ_overrides=sender).status_code

    return send


def test_an_account_is_guessed_at_a_hundred_times_an_hour_from_wherever() -> None:
    """Many places together have no more tries, in whatever case the e-mail is written."""
    send = tries_of("security.login")
    tried = [send(f"198.51.100.{n // 10}", "anna@example.com") for n in range(100)]
    assert tried == [200] * 100
    assert send("203.0.113.1", " Anna@example.com") == 429
    assert send("203.0.113.1", "otto@example.com") == 200


def test_a_network_has_sixty_tries_at_whichever_accounts() -> None:
    """Of a household's /64 each address draws from one count; the next household has its own."""
    send = tries_of("security.login")
    tried = [send(f"2001:db8::{n}", f"anna{n}@example.com") for n in range(60)]
    assert tried == [200] * 60
    assert send("2001:db8::ffff", "otto@example.com") == 429
    assert send("2001:db8:0:1::1", "otto@example.com") == 200


def test_who_signs_in_uses_no_try_up() -> None:
    """Only what failed is counted: a form that leads on was accepted."""
    send = tries_of("security.login", status=302)
    assert {send("198.51.100.1", "anna@example.com") for _ in range(80)} == {302}


@pytest.mark.parametrize(
    "endpoint", ["security.forgot_password", "security.register", "security.send_confirmation"]
)
def test_mails_are_few_for_an_account_and_for_a_network(endpoint: str) -> None:
    """Five an hour for whoever is written to, and twenty for whoever makes us write."""
    send = tries_of(endpoint, status=302)
    tried = [send(f"198.51.100.{n}", "anna@example.com") for n in range(6)]
    assert tried == [302] * 5 + [429]
    tried = [send("203.0.113.1", f"anna{n}@example.com") for n in range(21)]
    assert tried == [302] * 20 + [429]


@pytest.mark.parametrize(
    ("endpoint", "most"),
    [
        ("security.reset_password", 30),
        ("security.change_password", 20),
        ("security.change_email", 20),
        ("updaters.make", 30),
        ("account.stored_data", 30),
        ("account.delete", 30),
    ],
)
def test_whatever_asks_for_a_password_takes_so_many_tries_an_hour(endpoint: str, most: int) -> None:
    """Nor is a stolen session a way to guess the password; the page itself stays open."""
    send = tries_of(endpoint)
    tried = [send("198.51.100.1") for _ in range(most + 1)]
    assert tried == [200] * most + [429]
    assert send("198.51.100.1", method="GET") == 200
    assert send("198.51.100.2") == 200


def test_no_count_is_for_more_than_an_hour() -> None:
    """Of all that is limited the longest window has an hour, and the memory drops it then."""
    windows = [parse(limit).get_expiry() for limits, _ in _LIMITS.values() for limit, _ in limits]
    assert max(windows) == 3600
    counts = MemoryStorage()
    counts.incr("somebody", 1)
    assert "somebody" in counts.storage
    time.sleep(1.05)
    counts.incr("another", 1)  # looks around, as every request does
    wait_until(lambda: "somebody" not in counts.storage)


def test_the_key_of_a_count_says_nothing() -> None:
    """Neither account nor network is in it, and another process would have another one."""
    key = _key("account", "anna@example.com")
    assert len(key) == 64
    assert "anna" not in key
    assert key != _key("network", "anna@example.com")
