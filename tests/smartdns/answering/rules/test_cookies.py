"""Server cookies: the published vectors, and what makes one good or bad."""

import ipaddress

import pytest

from smartdns.answering.query import Edns
from smartdns.answering.rules.cookies import Cookie, check_cookie, siphash_2_4
from tests.smartdns.made import HOME, SECRET, STRANGER, WALL_S, query

CLIENT = b"client!!"


def cookie_of(
    data: bytes, address: bytes = HOME, secret: bytes = SECRET, wall_s: int = WALL_S
) -> Cookie:
    """Check a COOKIE option."""
    got = check_cookie(query("x", edns=Edns(1232, options=((10, data),))), address, secret, wall_s)
    assert got is not None
    return got


def test_siphash_is_siphash() -> None:
    """The vector of the paper's appendix A."""
    assert siphash_2_4(bytes(range(16)), bytes(range(15))).hex() == "e545be4961ca29a1"


@pytest.mark.parametrize(
    ("secret", "address", "client", "wall_s", "server"),
    [
        (
            "e5e973e5a6b2a43f48e7dc849e37bfcf", "198.51.100.100", "2464c4abcf10c957",
            1559731985, "010000005cf79f111f8130c3eee29480",
        ),
        (
            "e5e973e5a6b2a43f48e7dc849e37bfcf", "198.51.100.100", "2464c4abcf10c957",
            1559734385, "010000005cf7a871d4a564a1442aca77",
        ),
        (
            "e5e973e5a6b2a43f48e7dc849e37bfcf", "203.0.113.203", "fc93fc62807ddb86",
            1559734700, "010000005cf7a9acf73a7810aca2381e",
        ),
        (
            "445536bcd2513298075a5d379663c962", "2001:db8:220:1:59de:d0f4:8769:82b8",
            "22681ab97d52c298", 1559741961, "010000005cf7c609a6bb79d16625507a",
        ),
    ],
)  # fmt: skip
def test_cookies_are_those_of_rfc_9018(
    secret: str, address: str, client: str, wall_s: int, server: str
) -> None:
    """Appendix A: another maker's server with the same secret gives the same cookie."""
    packed = ipaddress.ip_address(address).packed
    got = cookie_of(bytes.fromhex(client), packed, bytes.fromhex(secret), wall_s)
    assert got.option == (10, bytes.fromhex(client + server))


def test_reserved_octets_are_signed_as_they_came() -> None:
    """Appendix A.3: a cookie of another maker may use them; ours come back with zeros."""
    got = cookie_of(
        bytes.fromhex("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5"),
        ipaddress.ip_address("203.0.113.203").packed,
        bytes.fromhex("e5e973e5a6b2a43f48e7dc849e37bfcf"),
        1559727985 + 1900,
    )
    assert got.valid
    assert got.option[1][8:12] == b"\1\0\0\0"


def test_a_returned_cookie_proves_the_address() -> None:
    """What we gave is valid when it comes back, from there, with that client cookie."""
    given = cookie_of(CLIENT).option[1]
    assert cookie_of(given).valid
    assert not cookie_of(given, address=STRANGER).valid
    assert not cookie_of(given, secret=bytes(16)).valid
    assert not cookie_of(b"another!" + given[8:]).valid


@pytest.mark.parametrize(
    ("later_s", "valid", "renewed"),
    [(0, True, False), (1800, True, False), (1801, True, True), (3600, True, True),
     (3601, False, True), (-300, True, False), (-301, False, True)],
)  # fmt: skip
def test_a_cookie_lives_for_an_hour(later_s: int, valid: bool, renewed: bool) -> None:
    """Renewed after half of it; clocks of two machines may differ by five minutes."""
    given = cookie_of(CLIENT).option[1]
    got = cookie_of(given, wall_s=WALL_S + later_s)
    assert got.valid == valid
    assert (got.option[1] != given) == renewed
    assert got.wrong == (not valid)


@pytest.mark.parametrize("server", [bytes(8), bytes(16), b"\2" + bytes(15), bytes(32)])
def test_a_foreign_cookie_is_wrong_and_replaced(server: bytes) -> None:
    """Other lengths and versions are nobody's fault: the sender gets a good one."""
    got = cookie_of(CLIENT + server)
    assert (got.valid, got.wrong) == (False, True)
    assert cookie_of(got.option[1]).valid


def test_without_the_option_there_is_none() -> None:
    """Neither for a query without EDNS nor for one with other options."""
    assert check_cookie(query("x", edns=None), HOME, SECRET, WALL_S) is None
    assert check_cookie(query("x", edns=Edns(1232)), HOME, SECRET, WALL_S) is None


def test_time_may_overflow_its_32_bits() -> None:
    """Ages are serial numbers (RFC 1982), so 2106 is a year like any other."""
    given = cookie_of(CLIENT, wall_s=2**32 - 10).option[1]
    assert cookie_of(given, wall_s=2**32 + 10).valid
