from pathlib import Path

import pytest

from zones.importing.gather import Imported, gather
from zones.importing.lines import LeftOut, Listed, ListError
from zones.importing.v2fly import Rule, parse_rules, read_v2fly
from zones.load import load_catalog

LISTS = Path(__file__).parent / "v2fly"


def imported(name: str) -> Imported:
    """Import one of the lists beside this test."""
    return gather(name, name, ("us",), read_v2fly(LISTS / name), load_catalog())


def test_names_come_from_the_list_and_its_includes() -> None:
    """Suffixes and exact names, includes filtered by attribute, each once and none idle."""
    service = imported("acme").service
    assert service is not None
    assert set(service.suffixes) == {
        "sports.example",
        "gift.example",
        "kids.example",
        "acme.example",
        "acme.example.net",
    }
    assert set(service.names) == {"play.acme.example.org", "acme.cdn.akamaized.net"}


def test_marked_rules_are_exceptions_below_a_suffix_and_nothing_elsewhere() -> None:
    """@ads below what is steered has to be kept out by name; elsewhere it is only left out."""
    found = imported("acme")
    assert found.service is not None
    assert found.service.never == ("ads.acme.example",)
    reasons = {line.text: line.reason for line in found.left_out}
    assert reasons["tracker.example"] == "is marked @ads"
    assert reasons["acme.example.cn"] == "is marked @cn"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("acme", "top-level domain"),
        ("include:acme-lost", "there is no file acme-lost"),
        ("akamaized.net", "shared by many"),
        ("keyword:acmeflix", "substring"),
        (r"regexp:^acme[0-9]+\.akamaized\.net$", "expression"),
        (r"regexp:^kids[0-9]\.example$", "expression"),
        ("captive.apple.com", "online"),
        ("bad_-.-name.example", "not a host name"),
        ("domain:acme.example stray", "is no rule"),
        ("mystery:acme.example", "unknown type"),
    ],
)
def test_what_cannot_be_used_is_reported(text: str, says: str) -> None:
    """Nothing is dropped silently: each such line comes back with its place and a reason."""
    (line,) = [line for line in imported("acme").left_out if line.text == text]
    assert says in line.reason
    assert line.place.partition(":")[0] in {"acme", "acme-kids"}
    assert line.place.partition(":")[2].isdigit()


def test_lists_that_include_each_other_are_an_error() -> None:
    """The error names the whole circle, from the list where it begins."""
    with pytest.raises(ListError, match="circle-a includes circle-b includes circle-c includes ci"):
        read_v2fly(LISTS / "circle-a")


def test_including_a_list_twice_is_no_circle() -> None:
    """A list that exists by `&list` alone can be included, and two ways to one list are fine."""
    service = imported("diamond").service
    assert service is not None
    assert set(service.suffixes) == {"gift.example", "sports.example", "sports.acme.example"}


def test_names_of_other_services_stay_theirs() -> None:
    """What the catalogue has already would be claimed twice, unless it is the same service."""
    lines = [Listed("x:1", "suffix", "netflix.com"), Listed("x:2", "suffix", "new.example")]
    other = gather("other", "Other", ("us",), lines, load_catalog())
    assert other.service is not None
    assert other.service.suffixes == ("new.example",)
    assert "belongs to netflix" in other.left_out[0].reason
    same = gather("netflix", "Netflix", ("us",), lines, load_catalog())
    assert same.service is not None
    assert same.service.suffixes == ("netflix.com", "new.example")


def test_a_list_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    """A picture beside the list does no harm; given as the list it is refused in one line."""
    (tmp_path / "good").write_text("a.example\n")
    (tmp_path / "picture").write_bytes(b"\x89PNG\xff& \n")
    assert len(read_v2fly(tmp_path / "good")) == 1
    with pytest.raises(ListError, match="not UTF-8"):
        read_v2fly(tmp_path / "picture")


def test_a_rule_with_all_that_it_can_have() -> None:
    """Type, value, attributes and lists, whatever the order of the marks."""
    (rule,) = parse_rules("full:a.example &two @one &three # x @y", "list")
    assert rule == Rule(
        "list:1", "full", "a.example", frozenset({"one"}), frozenset({"two", "three"})
    )
    assert isinstance(next(parse_rules("full:", "list")), LeftOut)


def test_a_rule_can_be_given_to_another_list() -> None:
    """`&list` alone is enough for a list to exist and to have the rule."""
    service = imported("gifts").service
    assert service is not None
    assert service.suffixes == ("gift.example",)


def test_an_exception_wins_over_the_same_name() -> None:
    """A name that one line steers and another marks @ads is not steered, nor what it held up."""
    lines = [
        Listed("x:1", "suffix", "a.example"),
        Listed("x:2", "suffix", "b.example"),
        Listed("x:3", "never", "ads.b.example", "is marked @ads"),
        Listed("x:4", "never", "b.example", "is marked @ads"),
        Listed("x:5", "name", "c.a.example"),
        Listed("x:6", "never", "c.a.example", "is marked @ads"),
    ]
    found = gather("mine", "Mine", ("us",), lines, load_catalog())
    assert found.service is not None
    assert found.service.suffixes == ("a.example",)
    assert found.service.names == ()
    assert found.service.never == ("c.a.example",)
    assert {line.text for line in found.left_out} == {"ads.b.example", "b.example"}
