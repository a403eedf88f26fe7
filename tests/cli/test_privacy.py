"""How the audit reaches what it audits."""

import pytest

from cli.audit.report import UNSEEN, Report
from cli.privacy import _reachable
from smartdns.contract.addresses import parse_socket_address


@pytest.mark.parametrize(
    ("listening", "reached"),
    [
        (["192.168.1.5:53", "127.0.0.1:53"], "127.0.0.1:53"),
        (["0.0.0.0:53"], "127.0.0.1:53"),
        (["192.168.1.5:53"], "192.168.1.5:53"),
        (["[::]:53"], "127.0.0.1:53"),
        (["[fd00::1]:53"], None),
    ],
)
def test_whatever_it_listens_on_is_reached_or_that_is_said(
    listening: list[str], reached: str | None
) -> None:
    """By loopback where there is that, else by the machine's own address; IPv6 alone is unseen."""
    report = Report()
    places = [parse_socket_address(each) for each in listening]
    found = _reachable(report, {"resolver"}, "resolver", "DNS", places)
    assert (None if found is None else str(found)) == reached
    assert report.reached == ({} if reached is None else {"DNS": reached})
    assert len(report.of(UNSEEN)) == (reached is None)
    assert _reachable(report, set(), "resolver", "DNS", places) is None
