"""Below which name a page's check names lie."""

import ipaddress

import pytest

from smartdns.contract.check_names import address_of, check_domain


@pytest.mark.parametrize(
    ("public_url", "domain"),
    [
        ("https://dns.example.com/", "check.dns.example.com"),
        ("https://DNS.example.com.:8443/", "check.dns.example.com"),
        ("http://127.0.0.1:8053", "check.mediastreamer.home.arpa"),
        ("http://[::1]:8053", "check.mediastreamer.home.arpa"),
        ("", "check.mediastreamer.home.arpa"),
    ],
)
def test_they_lie_below_the_pages_host(public_url: str, domain: str) -> None:
    """A page that is known by its address alone has the name that RFC 8375 keeps for homes."""
    assert check_domain(public_url) == domain


def test_a_page_has_an_address_where_its_url_has_one() -> None:
    """A name is not looked up."""
    assert address_of("http://[::1]:8053") == ipaddress.ip_address("::1")
    assert address_of("https://dns.example.com") is None
