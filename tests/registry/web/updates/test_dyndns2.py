import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.web.updates.dyndns2 import (
    MOST_HOSTNAMES,
    is_embedded,
    parse_hostnames,
    parse_token,
)

ADDRESS = ipaddress.ip_address("8.8.8.8")


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ("hostname=home.example.com&myip=1.2.3.4", ["good 8.8.8.8"]),
        ("hostname=home&myip=", ["good 8.8.8.8"]),
        ("system=dyndns&hostname=a.example.com,b.example.com&myip=1.2.3.4", ["good 8.8.8.8"] * 2),
        (
            "hostname=a.example.com%2Cb_c.example.com.&myipv6=2001%3adb8%3A%3a1",
            ["good 8.8.8.8"] * 2,
        ),
        ("hostname=good.example.com,not%20one", ["good 8.8.8.8", "notfqdn"]),
        ("hostname=,a,&offline=NOCHG", ["good 8.8.8.8"]),
    ],
)
def test_each_host_name_has_its_line_in_order(query: str, lines: list[str]) -> None:
    """A reply has as many lines as host names were asked for, whatever else the query says."""
    names = parse_hostnames(query)
    assert names.refusal is None
    assert names.render("good", ADDRESS).split("\n") == lines


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ("", "notfqdn"),
        ("hostname=", "notfqdn"),
        ("hostname=,,", "notfqdn"),
        ("hostname=-bad-,also%00bad", "notfqdn"),
        ("hostname=" + "a" * 64, "notfqdn"),
        ("hostname=" + ",".join(["a"] * MOST_HOSTNAMES), None),
        ("hostname=" + ",".join(["a"] * (MOST_HOSTNAMES + 1)), "numhost"),
        ("hostname=a&" + "&".join(["b=c"] * 200), "notfqdn"),
    ],
)
def test_queries_without_usable_host_names(query: str, refusal: str | None) -> None:
    """None at all, none usable or too many: one code for the whole request."""
    assert parse_hostnames(query).refusal == refusal


@given(st.text())
def test_parsing_is_total(text: str) -> None:
    """Whatever a request carries is read or refused, never a failure."""
    parse_hostnames(text).render("good", ADDRESS)
    parse_token(text)
    parse_token(f"Basic {text}")


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Basic dXBkYXRlci0xOnNlY3JldA==", "secret"),
        ("basic dXBkYXRlci0xOlNFQ1JFVA==", "secret"),
        ("Basic OnNlY3JldA==", "secret"),
        ("Basic c2VjcmV0", None),
        ("Basic ", None),
        ("Bearer secret", None),
        ("", None),
    ],
)
def test_token_is_the_password_of_basic_authentication(header: str, token: str | None) -> None:
    """Any user name will do; anything but Basic is no token."""
    assert parse_token(header) == token


@pytest.mark.parametrize(
    ("headers", "embedded"),
    [
        ({}, False),  # routers
        ({"accept": "*/*"}, False),  # curl
        ({"sec-fetch-site": "none", "sec-fetch-dest": "document"}, False),  # typed, or a bookmark
        ({"sec-fetch-site": "same-origin", "sec-fetch-dest": "document"}, False),
        ({"accept": "text/html,image/webp,*/*"}, False),
        ({"referer": "http://page.test:8053/updaters"}, False),
        ({"sec-fetch-site": "cross-site", "sec-fetch-dest": "image"}, True),
        ({"sec-fetch-site": "cross-site", "sec-fetch-dest": "document"}, True),
        ({"sec-fetch-site": "same-site", "sec-fetch-dest": "document"}, True),
        ({"sec-fetch-site": "none", "sec-fetch-dest": "image"}, True),
        ({"sec-purpose": "prefetch;prerender"}, True),
        ({"purpose": "Prefetch"}, True),
        ({"x-purpose": "preview"}, True),
        ({"x-moz": "prefetch"}, True),
        ({"accept": "image/webp,*/*"}, True),
        ({"accept": "IMAGE/*"}, True),
        ({"accept": "text/css,*/*;q=0.1"}, True),
        ({"referer": "http://page.test.evil.example/"}, True),
        ({"referer": "nonsense"}, True),
        ({"origin": "null"}, True),
        ({"origin": "http://[evil"}, True),
    ],
)
def test_embedded_links_are_recognised(headers: dict[str, str], *, embedded: bool) -> None:
    """What a browser fetches for another site's sake, or in advance, registers nobody."""
    assert is_embedded(lambda name: headers.get(name, ""), "page.test") == embedded
