import pytest

from zones.names import parse_name
from zones.too_wide import why_too_wide


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("hbo", "top-level"),
        ("com", "top-level"),
        ("co.uk", "public suffix"),
        ("com.au", "public suffix"),
        ("ne.jp", "public suffix"),
        ("akamaized.net", "shared"),
        ("cloudfront.net", "shared"),
    ],
)
def test_what_nobody_owns_alone_is_too_wide(name: str, says: str) -> None:
    """Steering all below it would catch names of others, so the reason is given."""
    reason = why_too_wide(parse_name(name))
    assert reason is not None
    assert says in reason


@pytest.mark.parametrize("name", ["bbc.co.uk", "go.com", "t.co", "x.akamaized.net", "nhk.or.jp"])
def test_what_has_an_owner_is_not(name: str) -> None:
    """Names that look alike and belong to somebody are in order."""
    assert why_too_wide(parse_name(name)) is None
