"""The order of the tests names files that exist, and what stays together stays."""

from pathlib import Path

import pytest

from tests.distribution import APART, SLOWEST, TOGETHER, ByFile, slowest_first

ROOT = Path(__file__).parents[1]


def test_what_is_named_exists() -> None:
    """A moved file takes its line along; else it would be handed out last, unnoticed."""
    for path in (*SLOWEST, *APART):
        assert (ROOT / path).exists(), path
    assert list((ROOT / "tests").rglob(f"*{TOGETHER}"))


def test_no_test_is_lost_or_doubled(request: pytest.FixtureRequest) -> None:
    """Equals stay in their order, so a module's tests stay side by side."""
    items = request.session.items
    assert sorted(map(id, slowest_first(items))) == sorted(map(id, items))
    assert slowest_first(slowest_first(items)) == slowest_first(items)


@pytest.mark.parametrize(
    ("nodeid", "scope"),
    [
        ("tests/zones/test_load.py::test_x[a::b]", "tests/zones/test_load.py"),
        ("tests/registry/web/pages/test_in_a_browser.py::test_x", TOGETHER),
        (f"{min(APART)}::test_x", f"{min(APART)}::test_x"),
    ],
)
def test_what_is_handed_out_together(nodeid: str, scope: str) -> None:
    """A file; all that share the browser; each test alone where nothing is shared."""
    assert ByFile._split_scope(None, nodeid) == scope  # type: ignore[arg-type]
