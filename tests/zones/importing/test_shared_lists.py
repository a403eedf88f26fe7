"""The real lists, where the checkout has them beside it."""

from pathlib import Path

import pytest

from zones.catalog import Catalog
from zones.importing.formats import read_lists
from zones.importing.gather import gather
from zones.importing.lines import Listed
from zones.importing.v2fly import NOT_STEERED, Rule, parse_rules, read_v2fly
from zones.index import index_services
from zones.load import load_catalog
from zones.names import parse_name
from zones.service_file import read_service, render_service

SHARED = next(
    (
        lists
        for folder in Path(__file__).resolve().parents
        if (lists := folder / "shared" / "domain-lists").is_dir()
    ),
    None,
)
pytestmark = pytest.mark.skipif(SHARED is None, reason="no shared/domain-lists beside the checkout")


def files_of(folder: str) -> list[Path]:
    """The lists of one collection."""
    if SHARED is None:
        return []
    return sorted(file for file in (SHARED / folder).iterdir() if file.name != "LICENSE")


@pytest.fixture(scope="module")
def built_in() -> Catalog:
    """The built-in catalogue."""
    return load_catalog()


@pytest.fixture(scope="module")
def empty(built_in: Catalog) -> Catalog:
    """A catalogue with regions and connectivity checks, and no service."""
    return index_services([], built_in.regions, built_in.never)


@pytest.mark.parametrize("file", files_of("v2fly"), ids=lambda file: file.name)
def test_every_rule_is_steered_or_reported(file: Path, empty: Catalog) -> None:
    """Each line of each real list, followed alone, ends up in the service or in the report."""
    lines = read_v2fly(file)
    found = gather("mine", "Mine", ("us",), lines, empty)
    reported = {line.place for line in found.left_out}
    catalog = index_services([found.service] if found.service else [], empty.regions, empty.never)
    for rule in parse_rules(file.read_text(encoding="utf-8"), file.name):
        if not isinstance(rule, Rule) or rule.kind == "include" or rule.place in reported:
            continue
        steered = catalog.find(parse_name(rule.value)) is not None
        assert steered != bool(rule.attributes & NOT_STEERED.keys()), rule


@pytest.mark.parametrize("file", files_of("v2fly") + files_of("uklans"), ids=lambda file: file.name)
def test_what_is_written_loads_again(file: Path, built_in: Catalog) -> None:
    """The file made of a real list is one that the loader takes, and says the same."""
    for one in read_lists(file)[1]:
        service = gather("mine", "Mine", ("us",), one.lines, built_in).service
        if service is None:
            continue
        again, problems = read_service(render_service(service), "mine.toml", built_in.regions)
        assert not problems
        assert again is not None
        assert again.service == service


def test_disney_brings_what_it_includes(empty: Catalog) -> None:
    """Hulu, Hotstar and ESPN come along with Disney's own list."""
    assert SHARED is not None
    service = gather("d", "D", ("us",), read_v2fly(SHARED / "v2fly/disney"), empty).service
    assert service is not None
    assert {"hulu.com", "hotstar.com", "espn.com", "disneyplus.com"} <= set(service.suffixes)


def test_no_connectivity_check_is_steered(built_in: Catalog, empty: Catalog) -> None:
    """Every name of the list of connectivity checks is left alone by all services together."""
    assert SHARED is not None
    lines = read_v2fly(SHARED / "v2fly/connectivity-check")
    names = [parse_name(line.name) for line in lines if isinstance(line, Listed)]
    assert names
    assert all(built_in.find(name) is None for name in names)
    everything = [line for file in files_of("v2fly") for line in read_v2fly(file)]
    service = gather("all", "All", ("us",), everything, empty).service
    assert service is not None
    catalog = index_services([service], empty.regions, empty.never)
    assert all(catalog.find(name) is None for name in names)
