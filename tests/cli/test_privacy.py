"""How the audit reaches what it audits."""

import pytest

from cli.audit.report import AuditReport
from cli.privacy import _reachable
from smartdns.contract.addresses import parse_socket_address


@pytest.mark.parametrize(
    ("listening", "reached"),
    [
        (["192.168.1.5:53", "127.0.0.1:53"], ["192.168.1.5:53", "127.0.0.1:53"]),
        (["0.0.0.0:53"], ["127.0.0.1:53"]),
        (["0.0.0.0:53", "127.0.0.1:53"], ["127.0.0.1:53"]),
        (["[::]:53"], ["[::1]:53"]),
        (["0.0.0.0:53", "[::]:53"], ["127.0.0.1:53", "[::1]:53"]),
        (["[fd00::1]:53"], ["[fd00::1]:53"]),
        ([], []),
    ],
)
def test_each_listener_is_reached(listening: list[str], reached: list[str]) -> None:
    """By its own address, or by loopback if it listens on all; and the report names them."""
    report = AuditReport()
    places = [parse_socket_address(each) for each in listening]
    found = _reachable(report, {"resolver"}, "resolver", "DNS", places)
    assert [str(each) for each in found] == reached
    assert report.reached == ({"DNS": ", ".join(reached)} if reached else {})
    assert _reachable(report, set(), "resolver", "DNS", places) == []
