from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.conftest import Run

Report = Callable[..., Any]


def networks(report: Report) -> list[str]:
    """What the account holds."""
    return [one["network"] for one in report("address", "list", "anna@example.com")]


def test_any_address_is_obeyed_odd_ones_with_a_warning(installed: Run, report: Report) -> None:
    """A private network is let in when an operator says so, and the warning says what it is."""
    assert "private" in installed("address", "add", "anna@example.com", "192.168.1.0/24").stderr
    assert installed("address", "add", "anna@example.com", "8.8.8.8").stderr == ""
    assert networks(report) == ["192.168.1.0/24", "8.8.8.8/32"]


def test_networks_are_read_from_standard_input(installed: Run, report: Report) -> None:
    """With "-" nothing of an address is in the command's own words."""
    installed("address", "add", "anna@example.com", "-", typed="8.8.8.8\n2a00:1450::9\n")
    assert networks(report) == ["8.8.8.8/32", "2a00:1450::/64"]
    assert (
        "1 removed"
        in installed("address", "remove", "anna@example.com", "-", typed="8.8.8.8").stdout
    )
    assert networks(report) == ["2a00:1450::/64"]


def test_adding_twice_adds_once(installed: Run, report: Report) -> None:
    """The second time is no mistake and says that it was there."""
    for says in ("1 added, 0 already there", "0 added, 1 already there"):
        assert says in installed("address", "add", "anna@example.com", "8.8.8.8").stdout
    assert networks(report) == ["8.8.8.8/32"]


@pytest.mark.parametrize(
    ("words", "typed", "status", "says"),
    [
        (["add", "anna@example.com", "8.8.8.8/24"], "", 2, "no bits beyond the length"),
        (["add", "anna@example.com", "home"], "", 2, "not an IP address"),
        (["add", "anna@example.com", "fe80::1%eth0"], "", 2, "zone"),
        (["add", "anna@example.com", "-"], "", 2, "no network on standard input"),
        (["add", "anna@example.com", "-"], "8.8.8.8\nx\n", 2, "standard input, number 2"),
        (["add", "nobody@example.com", "8.8.8.8"], "", 1, "no such account"),
        (["remove", "anna@example.com", "8.8.8.8"], "", 1, "no longer registered"),
    ],
)
def test_bad_input_is_said_and_changes_nothing(
    installed: Run, report: Report, words: list[str], typed: str, status: int, says: str
) -> None:
    """Each mistake has its exit status and its sentence."""
    assert says in installed("address", *words, typed=typed, status=status).stderr
    assert networks(report) == []


def test_all_accounts_are_listed_without_an_email(installed: Run, report: Report) -> None:
    """The whole list says whose each network is."""
    installed("account", "add", "ben@example.com", "--password-stdin", typed="correct horse\n")
    for email, network in [("ben@example.com", "9.9.9.9"), ("anna@example.com", "8.8.8.8")]:
        installed("address", "add", email, network)
    listed = [(one["email"], one["network"]) for one in report("address", "list")]
    assert listed == [("anna@example.com", "8.8.8.8/32"), ("ben@example.com", "9.9.9.9/32")]
    assert "ben@example.com  9.9.9.9/32  operator" in installed("address", "list").stdout
