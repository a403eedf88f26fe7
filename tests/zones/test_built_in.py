"""The services that come with the product."""

import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from zones.catalog import Catalog
from zones.load import BUILT_IN, load_catalog
from zones.names import parse_name, tails

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The built-in catalogue."""
    return load_catalog()


def test_it_is_good_and_has_nothing_to_note(catalog: Catalog) -> None:
    """At least 60 services load without a problem, and none lists what has no effect."""
    assert len(catalog.services) >= 60
    assert catalog.notes == ()


@pytest.mark.parametrize(
    ("region", "services"),
    [
        ("us", {"netflix", "hulu", "max", "peacock", "disneyplus", "primevideo", "paramountplus"}),
        ("gb", {"bbc-iplayer", "itvx", "channel4", "channel5", "nowtv", "skygo"}),
        ("de", {"ard", "zdf", "rtlplus-de", "joyn", "dazn"}),
        ("fr", {"france-tv", "tf1", "m6plus", "canalplus", "arte"}),
        ("ca", {"cbc-gem", "ctv", "crave", "globaltv", "ici-tou-tv"}),
        ("au", {"abc-iview", "sbs-ondemand", "9now", "7plus", "10play", "stan", "kayo"}),
        ("in", {"jiohotstar", "sonyliv", "zee5"}),
        ("jp", {"abema", "tver", "unext", "hulu-japan", "niconico"}),
    ],
)
def test_the_big_ones_of_each_country(catalog: Catalog, region: str, services: set[str]) -> None:
    """What a household of that country would look for is there and makes sense there."""
    assert services <= {one.name for one in catalog.services.values() if region in one.regions}


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("www.netflix.com", "netflix"),
        ("ipv4-c001-fra001-ix.1.oca.nflxvideo.net", "netflix"),
        *((f"netflixdnstest{number}.com", "netflix") for number in range(11)),
        ("api.fast.com", "netflix"),
        ("disney.playback.edge.bamgrid.com", "disneyplus"),
        ("hulu.playback.edge.bamgrid.com", "hulu"),
        ("espn.api.edge.bamgrid.com", "espn"),
        ("vod-dash-uk-live.akamaized.net", "bbc-iplayer"),
        ("www.bbc.co.uk", "bbc-iplayer"),
        ("iview.abc.net.au", "abc-iview"),
    ],
)
def test_names_that_devices_ask_for(catalog: Catalog, name: str, service: str) -> None:
    """Site, CDN and DNS-test names lead to their service."""
    match = catalog.find(parse_name(name))
    assert match is not None
    assert match.service.name == service


@pytest.mark.parametrize(
    "name",
    [
        "captive.apple.com",
        "connectivitycheck.gstatic.com",
        "www.msftconnecttest.com",
        "ctest.cdn.nintendo.net",
        "detectportal.firefox.com",
        "www.apple.com",
        "www.amazon.com",
        "e1.akamaized.net",
        "d1.cloudfront.net",
        "www.google.com",
    ],
)
def test_names_that_are_left_alone(catalog: Catalog, name: str) -> None:
    """Connectivity checks, shops and other people's CDN names are not steered."""
    assert catalog.find(parse_name(name)) is None


def test_no_entry_is_idle(catalog: Catalog) -> None:
    """Nothing is listed below a suffix of the same service, where it changes nothing."""
    for service in catalog.services.values():
        suffixes = {parse_name(name) for name in service.suffixes}
        for name in service.suffixes:
            assert suffixes.isdisjoint(tails(parse_name(name))[1:]), (service.name, name)
        for name in service.names:
            assert suffixes.isdisjoint(tails(parse_name(name))), (service.name, name)


def test_loading_is_quick() -> None:
    """Every process start pays for it, so the best of three stays well below a second."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        load_catalog()
        times.append(time.perf_counter() - start)
    assert min(times) < 0.5


@pytest.mark.processes
def test_loading_imports_no_name_library() -> None:
    """The built-in names are plain, so the IDNA tables stay out of every process."""
    code = "import sys; from zones.load import load_catalog; load_catalog(); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert "idna" not in done.stdout.split()


@pytest.mark.processes
def test_the_wheel_carries_the_files(tmp_path: Path) -> None:
    """An installed product has the same services as this checkout."""
    subprocess.run(
        [Path(sys.executable).parent / "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    carried = set(zipfile.ZipFile(wheel).namelist())
    ours = {f"zones/{path.relative_to(BUILT_IN)}" for path in BUILT_IN.rglob("*.toml")}
    assert len(ours) > 60
    assert ours <= carried
