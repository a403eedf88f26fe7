from hypothesis import given
from hypothesis import strategies as st

from zones.catalog import Service
from zones.index import index_services
from zones.names import parse_name, render_name

LABELS = st.sampled_from(["a", "b", "ab", "x-a"])
NAMES = st.lists(LABELS, min_size=2, max_size=5).map(".".join)
ENTRIES = st.dictionaries(NAMES, st.sampled_from(["suffixes", "names", "never"]), max_size=12)


def catalog_of(entries: dict[str, str], never: tuple[str, ...] = ()):  # noqa: ANN201 - a fixture
    """Index one service with these entries."""
    kinds = {
        kind: tuple(name for name, its in entries.items() if its == kind)
        for kind in ("suffixes", "names", "never")
    }
    service = Service("one", "One", ("us",), **kinds)
    return index_services([service], {}, map(parse_name, never))


def naive(entries: dict[str, str], never: tuple[str, ...], name: str) -> str | None:
    """Decide by comparing lists of labels, longest entry first."""
    labels = name.split(".")
    for length in range(len(labels), 0, -1):
        if ".".join(labels[-length:]) in never:
            return None
    for length in range(len(labels), 0, -1):
        tail = ".".join(labels[-length:])
        kind = entries.get(tail)
        if kind == "never":
            return None
        if kind == "suffixes" or (kind == "names" and length == len(labels)):
            return tail
    return None


@given(ENTRIES, st.lists(NAMES, max_size=3).map(tuple), NAMES)
def test_find_agrees_with_a_naive_matcher(
    entries: dict[str, str], never: tuple[str, ...], name: str
) -> None:
    """The indexed look-up decides as a comparison label by label does, entries and all."""
    match = catalog_of(entries, never).find(parse_name(name))
    assert (render_name(match.owner) if match else None) == naive(entries, never, name)


def test_matching_is_by_label() -> None:
    """A name that merely ends in the same letters is not below the entry."""
    catalog = catalog_of({"netflix.com": "suffixes", "api.example.net": "names"})
    assert catalog.find(parse_name("netflix.com")) is not None
    assert catalog.find(parse_name("a.b.netflix.com")) is not None
    assert catalog.find(parse_name("notnetflix.com")) is None
    assert catalog.find(parse_name("netflix.com.evil.example")) is None
    assert catalog.find(parse_name("api.example.net")) is not None
    assert catalog.find(parse_name("v1.api.example.net")) is None


def test_odd_wire_names_find_nothing() -> None:
    """The root, a lone top-level domain and a label that holds a dot are no one's."""
    catalog = catalog_of({"netflix.com": "suffixes"})
    assert catalog.find(b"\x00") is None
    assert catalog.find(b"\x03com\x00") is None
    assert catalog.find(b"\x0bnetflix.com\x00") is None


def test_region_of_a_household_without_a_choice() -> None:
    """The default where the service makes sense there and a relay is; else its first with one."""
    service = Service("one", "One", ("us", "gb", "ca"))
    assert service.region_for("gb") == "gb"
    assert service.region_for("jp") == "us"
    assert service.region_for(None) == "us"
    assert service.region_for("gb", {"ca"}) == "ca"
    assert service.region_for("gb", {"jp"}) is None
