"""Is it working? A real browser in a household that asks a real resolver, by a real relay."""

import os
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.peers.browser import ChromiumThread, serious_findings, take_picture
from tests.peers.household_device import HouseholdDevice
from tests.peers.installation import Installation
from tests.peers.name_server import NameServer

NOWHERE = "127.80.0.1"
"""The relay of the United Kingdom; nothing listens there."""

VPN = "127.0.0.8"
"""An address that the operator knows as a VPN's."""


@pytest.fixture(scope="module")
def home(
    tmp_path_factory: pytest.TempPathFactory, name_server_of_the_session: NameServer
) -> Iterator[Installation]:
    """A relay that works for the United States, and one that is down for the United Kingdom."""
    upstream = f"127.0.0.1:{name_server_of_the_session.port}"
    installation = Installation(
        tmp_path_factory.mktemp("home"), upstream, "--relay-address", f"gb={NOWHERE}",
        relay="127.0.0.1",
    )  # fmt: skip
    (installation.state.parent / "vpn").write_text(f"{VPN}/32\n")
    installation.start(
        check_listen="127.0.0.1:0", known_networks=f"vpn={installation.state.parent / 'vpn'}"
    )
    yield installation
    installation.stop()


@pytest.fixture(scope="module")
def device_of_the_module(home: Installation) -> Iterator[tuple[HouseholdDevice, ChromiumThread]]:
    """The household's TV, with a browser."""
    device = HouseholdDevice({80: home.http})
    browser = ChromiumThread(*device.browser_arguments)
    yield device, browser
    browser.close()
    device.close()


@pytest.fixture
def device(
    home: Installation, device_of_the_module: tuple[HouseholdDevice, ChromiumThread]
) -> HouseholdDevice:
    """The TV, with our DNS servers and no other, at home."""
    made, _ = device_of_the_module
    made.source, made.servers = "127.0.0.1", [("127.0.0.1", home.dns)]
    return made


@pytest.fixture
def browser(device_of_the_module: tuple[HouseholdDevice, ChromiumThread]) -> ChromiumThread:
    """Its browser."""
    return device_of_the_module[1]


@pytest.fixture
def registered(home: Installation) -> Iterator[None]:
    """The owner has registered the household's address, for the United States."""
    client = home.browser()
    client.submit(client.get("/").form("Register my IP address"))
    client.submit(client.get("/").form("/region"), region="us")
    home.dig_until("127.0.0.1", "www.netflix.com", "+short")
    yield
    client = home.browser()
    client.submit(client.get("/").form("Turn MediaStreamer off and forget all my addresses"))
    home.dig_until("status: REFUSED", "www.netflix.com")


def choose(home: Installation, region: str) -> None:
    """Choose the owner's region on DNS Settings."""
    client = home.browser()
    client.submit(client.get("/").form("/region"), region=region)


def check(page: Page, home: Installation, path: str = "/check") -> None:
    """Open a page of the check, signed in unless it is the TV's."""
    if path == "/check":
        email, password = (home.state / "sign-in").read_text().split()
        page.goto(f"http://127.0.0.1:{home.web}/sign-in?next=/check")
        page.locator("#email").fill(email)
        page.locator("#password").fill(password)
        page.locator("button.main").click()
    else:
        page.goto(f"http://127.0.0.1:{home.web}{path}")


def cause(page: Page, text: str) -> None:
    """Expect this cause and no other, with its remedy."""
    found = page.locator(".remedy:visible")
    expect(found).to_have_count(1, timeout=30_000)
    expect(found).to_contain_text(text)


@pytest.mark.usefixtures("registered", "device")
@pytest.mark.parametrize("path", ["/check", "/tv"])
def test_all_is_well_where_resolver_region_and_relay_agree(
    home: Installation, browser: ChromiumThread, path: str
) -> None:
    """The device asks us, gets the region that was chosen, and the relay lets it through."""

    def walk(page: Page) -> None:
        check(page, home, path)
        cause(page, "Everything is as it should be.")
        wanted = "yes" if path == "/check" else "United States"
        expect(page.locator("[data-step=device] .mark")).to_have_text("yes")
        expect(page.locator("[data-step=region] .mark")).to_have_text(wanted)
        expect(page.locator("[data-step=relay] .mark")).to_have_text("yes")
        assert serious_findings(page) == []
        take_picture(page, f"check-good{path.replace('/', '-')}")

    browser.visit(walk)


@pytest.mark.usefixtures("registered", "device")
@pytest.mark.parametrize("path", ["/check", "/tv"])
def test_without_script_ticks_are_found_or_not(
    home: Installation, browser: ChromiumThread, path: str
) -> None:
    """Each tick is a picture: with a relay that is down its own is missing, the others show."""

    def widths(page: Page) -> list[int]:
        page.wait_for_load_state("networkidle")
        found: list[int] = page.locator(".tick").evaluate_all("all => all.map(i => i.naturalWidth)")
        return found

    def walk(page: Page) -> None:
        check(page, home, path)
        found = widths(page)
        assert found[0] == found[-1] == 88
        assert found[1:-1].count(88) == 1
        choose(home, "gb")
        home.dig_until(NOWHERE, "www.netflix.com", "+short")
        page.reload()
        found = widths(page)
        assert found[0] == 88
        assert found[1:-1].count(88) == 1
        assert found[-1] == 0
        take_picture(page, f"check-no-script{path.replace('/', '-')}")

    browser.visit(walk, script=False)


@pytest.mark.usefixtures("registered", "device")
@pytest.mark.parametrize("path", ["/check", "/tv"])
def test_a_relay_that_is_down_is_found(
    home: Installation, browser: ChromiumThread, path: str
) -> None:
    """The region is right, but nothing answers where its names lead to."""

    def walk(page: Page) -> None:
        choose(home, "gb")
        home.dig_until(NOWHERE, "www.netflix.com", "+short")
        check(page, home, path)
        cause(page, "the relay for your region cannot be reached")
        expect(page.locator("[data-step=relay] .mark")).to_have_text("no")
        take_picture(page, f"check-relay-down{path.replace('/', '-')}")

    browser.visit(walk)


@pytest.mark.usefixtures("registered", "device")
def test_a_resolver_that_is_behind_shows_as_another_region(
    home: Installation, browser: ChromiumThread
) -> None:
    """Redis hangs, so the choice does not arrive: the page says what the device gets instead."""
    (redis,) = home.pids("redis")

    def walk(page: Page) -> None:
        os.kill(redis, signal.SIGSTOP)
        try:
            choose(home, "gb")
            check(page, home)
            cause(page, "the region is not the one you chose")
            expect(page.locator("[data-say=got]")).to_have_text("United States")
            expect(page.locator("[data-step=relay] .mark")).to_have_text("not checked")
            take_picture(page, "check-region")
        finally:
            os.kill(redis, signal.SIGCONT)
        home.dig_until(NOWHERE, "www.netflix.com", "+short")
        page.get_by_role("link", name="Check again").click()
        expect(page.locator("[data-step=region] .mark")).to_have_text("yes", timeout=20_000)

    browser.visit(walk)


@pytest.mark.usefixtures("registered", "device")
def test_a_service_with_a_region_of_its_own_is_looked_at_by_itself(
    home: Installation, browser: ChromiumThread
) -> None:
    """A service that is off must be off: asking in its place would be steering."""

    def walk(page: Page) -> None:
        client = home.browser()
        form = client.get("/").form("/services")
        client.submit(form, service="netflix", region="off")
        home.dig_until("status: NXDOMAIN", "www.netflix.com")
        check(page, home)
        cause(page, "Everything is as it should be.")
        expect(page.locator("[data-step=region] .mark")).to_have_text(["yes", "yes"])
        client.submit(form, service="netflix", region="")

    browser.visit(walk)


@pytest.mark.usefixtures("registered")
def test_another_resolver_a_leak_and_an_address_that_is_not_let_in(
    home: Installation,
    browser: ChromiumThread,
    device: HouseholdDevice,
    name_server_of_the_session: NameServer,
) -> None:
    """The three ways round us, each told from the others, and one tap for the last."""
    other = ("127.0.0.1", name_server_of_the_session.port)

    def walk(page: Page) -> None:
        device.servers = [other]
        check(page, home)
        cause(page, "this device asks another DNS server")
        take_picture(page, "check-other")
        device.servers = [other, ("127.0.0.1", home.dns)]
        page.reload()
        cause(page, "also uses another DNS server")
        device.servers, device.source = [("127.0.0.1", home.dns)], "127.0.0.9"
        page.reload()
        cause(page, "this address is not registered")
        take_picture(page, "check-not-registered")
        page.get_by_role("button", name="Register my IP address").click()
        expect(page.get_by_text("This network is registered").first).to_be_visible()

    browser.visit(walk)


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("path", ["/check", "/tv"])
def test_a_vpn_is_told_from_another_resolver(
    home: Installation, browser: ChromiumThread, device: HouseholdDevice, path: str
) -> None:
    """The visit comes from an address of a VPN's, and no check name is found."""

    def walk(page: Page) -> None:
        device.source = VPN
        check(page, home, path)
        cause(page, "a VPN or iCloud Private Relay is on")
        take_picture(page, f"check-vpn{path.replace('/', '-')}")

    browser.visit(walk)
