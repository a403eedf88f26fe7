"""Private addresses in public answers."""

import ipaddress

import pytest

from smartdns.answering.memory.cache import Answer
from smartdns.answering.names import name_of
from smartdns.answering.replies.rebinding import without_private
from tests.smartdns.made import AAAA, NOERROR, A, record

NAME = name_of("www.example.com")
PUBLIC = "93.184.216.34"


def heard(*addresses: str) -> Answer:
    """An answer with these addresses."""
    packed = [ipaddress.ip_address(address).packed for address in addresses]
    answer = (record("www.example.com", A if len(d) == 4 else AAAA, d) for d in packed)
    return Answer(NOERROR, tuple(answer), (), 300, authentic_data=True)


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1",
     "172.31.255.255", "192.168.1.1", "::", "::1", "fc00::1", "fd12::1", "fe80::1",
     "::ffff:192.168.1.1", "64:ff9b::10.0.0.1"],
)  # fmt: skip
def test_a_private_address_is_taken_out(address: str) -> None:
    """Alone it leaves NODATA that says Blocked; beside public ones those stay."""
    left = without_private(heard(address), NAME)
    assert left.answer == ()
    assert left.rcode == NOERROR
    assert left.authority[0].name == NAME
    assert left.error is not None
    assert left.error.code == 15
    mixed = without_private(heard(PUBLIC, address), NAME)
    assert [r.data for r in mixed.answer] == [ipaddress.ip_address(PUBLIC).packed]
    assert not mixed.authentic_data


@pytest.mark.parametrize(
    ("params", "stays"),
    [
        (b"\0\4\0\4\x5d\xb8\xd8\x22", True),
        (b"\0\1\0\3\2h2\0\4\0\x08\x5d\xb8\xd8\x22\xc0\xa8\1\1", False),
        (b"\0\6\0\x10\xfe\x80" + bytes(14), False),
        (b"\0\4\0\xff\x0a\0\0\1", False),
        (b"", True),
        (b"\0", True),
    ],
)
def test_the_hints_of_a_service_are_addresses_too(params: bytes, stays: bool) -> None:
    """HTTPS records may not lead into the home either, and cut short they do no harm."""
    data = b"\0\1" + name_of("svc.example.com") + params
    service = Answer(NOERROR, (record("www.example.com", 65, data),), (), 300)
    assert bool(without_private(service, NAME).answer) == stays


@pytest.mark.parametrize(
    "address",
    [PUBLIC, "172.15.255.255", "172.32.0.1", "100.63.0.1", "11.0.0.1", "2001:4860::1",
     "::ffff:8.8.8.8", "64:ff9b::808:808"],
)  # fmt: skip
def test_a_public_address_stays(address: str) -> None:
    """Untouched, its proof included."""
    assert without_private(heard(address), NAME) == heard(address)
