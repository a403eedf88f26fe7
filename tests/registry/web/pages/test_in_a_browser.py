"""The pages in Debian's chromium: phone and desktop, with script and without, light and dark."""

import pytest
from playwright.sync_api import Page, expect

from tests.peers.browser import DESKTOP, PHONE, ChromiumThread, serious_findings, take_picture
from tests.peers.registry_server import PASSWORD, RegistryServer
from tests.registry.web.conftest import sign_in, visitor_of

BUTTON = "Register my IP address"
PAGES = ["/", "/check", "/devices", "/devices/fritzbox", "/updaters", "/account", "/tv"]


@pytest.fixture(params=["sqlite", "postgresql"])
def on_each(request: pytest.FixtureRequest) -> RegistryServer:
    """The registry of page.test, once on each database: every flow goes through both."""
    name = "page_test" if request.param == "sqlite" else "page_test_on_postgresql"
    server: RegistryServer = request.getfixturevalue(name)
    return server


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_both_families_are_found_and_registered_with_one_tap(
    chromium: ChromiumThread, on_each: RegistryServer, size: dict[str, int]
) -> None:
    """The page comes over IPv4, the script finds IPv6 by itself, and one button registers both."""
    visitor = visitor_of(on_each)

    def walk(page: Page) -> None:
        sign_in(page, visitor)
        expect(page.locator('[data-family="6"] .mark')).to_have_text("not registered")
        page.get_by_role("button", name=BUTTON).click()
        expect(page.get_by_role("heading", name="This network is registered")).to_be_visible()
        expect(page.locator('[data-family="6"] .mark')).to_have_text("registered")

    chromium.visit(walk, size=size)
    assert visitor.networks == ["127.0.0.1/32", "::/64"]


def test_without_script_both_families_take_one_tap_more(
    chromium: ChromiumThread, on_each: RegistryServer
) -> None:
    """A link goes to the IPv6 host and back; then the button registers both."""
    visitor = visitor_of(on_each)

    def walk(page: Page) -> None:
        sign_in(page, visitor)
        page.get_by_role("link", name="Look for it").click()
        expect(page.locator('[data-family="6"] .address')).to_have_text("::/64")
        page.get_by_role("button", name=BUTTON).click()
        expect(page.locator(".state.good")).to_be_visible()

    chromium.visit(walk, script=False)
    assert visitor.networks == ["127.0.0.1/32", "::/64"]


def test_registering_automatically_needs_no_tap_and_is_asked_for(
    chromium: ChromiumThread, on_each: RegistryServer
) -> None:
    """A visit registers nothing by itself until that is switched on; then it does, once."""
    visitor = visitor_of(on_each)

    def walk(page: Page) -> None:
        sign_in(page, visitor)
        expect(page.locator('[data-family="6"] .mark')).to_have_text("not registered")
        assert visitor.networks == []
        page.get_by_role("button", name="Register automatically when I visit").click()
        expect(page.locator(".state.good")).to_be_visible()
        page.get_by_role("button", name="Stop registering automatically").click()
        expect(page.get_by_role("button", name="Register automatically")).to_be_visible()

    chromium.visit(walk)
    assert visitor.networks == ["127.0.0.1/32", "::/64"]


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_removing_undoing_and_turning_off(
    chromium: ChromiumThread, on_each: RegistryServer, *, script: bool
) -> None:
    """The buttons of a registered address do what they say, with and without script."""
    visitor = visitor_of(on_each)

    def walk(page: Page) -> None:
        sign_in(page, visitor)
        page.get_by_role("button", name=BUTTON).click()
        page.get_by_role("button", name="Remove 127.0.0.1").click()
        expect(page.get_by_text("The address is removed.")).to_be_visible()
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_text("The address is registered again.")).to_be_visible()
        page.get_by_text("Turn MediaStreamer off …").click()
        page.get_by_role("button", name="Turn MediaStreamer off and forget").click()
        expect(page.get_by_text("MediaStreamer is off.")).to_be_visible()

    chromium.visit(walk, script=script)
    assert visitor.networks == []


def test_a_service_offers_only_regions_that_make_sense(
    chromium: ChromiumThread, on_each: RegistryServer
) -> None:
    """Choosing BBC iPlayer narrows the regions to the United Kingdom or off."""
    visitor = visitor_of(on_each)

    def walk(page: Page) -> None:
        sign_in(page, visitor)
        page.get_by_label("Streaming service").select_option("BBC iPlayer")
        options = page.locator("#service-region option").all_inner_texts()
        assert options == ["United Kingdom", "off: use no relay"]
        page.locator("form:has(#service) button").click()
        expect(page.get_by_role("button", name="Remove the choice for BBC")).to_be_visible()

    chromium.visit(walk, size=DESKTOP)


def test_copy_buttons_copy(chromium: ChromiumThread, on_each: RegistryServer) -> None:
    """On plain http, where the modern way is closed to pages, copying works all the same."""
    visitor = visitor_of(on_each)

    def walk(page: Page) -> None:
        sign_in(page, visitor)
        page.get_by_role("button", name="Copy 127.0.0.2").click()
        expect(page.get_by_text("Copied")).to_be_visible()
        page.goto(f"{visitor.server.url}/updaters")
        page.get_by_label("Your name for it").click()
        page.keyboard.press("Control+V")
        expect(page.get_by_label("Your name for it")).to_have_value("127.0.0.2")

    chromium.visit(walk)


def test_an_updater_is_made_and_its_link_registers(
    chromium: ChromiumThread, on_each: RegistryServer
) -> None:
    """The password makes one; the link that is shown opens a page, whose button registers."""
    visitor = visitor_of(on_each)

    def walk(page: Page) -> None:
        sign_in(page, visitor)
        page.goto(f"{visitor.server.url}/updaters")
        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Create an updater").click()
        link = page.locator("#link").inner_text()
        assert serious_findings(page) == []
        take_picture(page, "updater")
        page.goto(link)
        assert visitor.networks == []
        assert serious_findings(page) == []
        take_picture(page, "link")
        page.get_by_role("button", name="Register my IP address").click()
        expect(page.get_by_text("This network is registered.")).to_be_visible()

    chromium.visit(walk)
    assert visitor.networks == ["127.0.0.1/32"]


def test_pages_can_be_used_by_keyboard_alone(
    chromium: ChromiumThread, on_each: RegistryServer
) -> None:
    """Signing in and registering with Tab and Enter only."""
    visitor = visitor_of(on_each)

    def walk(page: Page) -> None:
        page.goto(visitor.server.url)
        page.locator("#email").focus()
        page.keyboard.type(visitor.email)
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.locator("#here")).to_be_visible()
        for _ in range(40):
            if page.evaluate("document.activeElement.matches('button.main')"):
                break
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator(".state.good")).to_be_visible()

    chromium.visit(walk)


@pytest.mark.parametrize("language", ["en", "es", "ar"])
def test_axe_finds_nothing_and_nothing_sticks_out(
    chromium: ChromiumThread, page_test: RegistryServer, language: str
) -> None:
    """Every page, on phone and desktop, light and dark, keeps nobody out and fits the screen."""
    visitor = visitor_of(page_test)

    def walk(page: Page) -> None:
        page.goto(visitor.server.url)
        found = looked_at(page, f"{language}-sign-in")
        sign_in(page, visitor)
        found += looked_at(page, f"{language}-not-registered")
        page.locator("#register button").click()
        for path in PAGES:
            page.goto(f"{visitor.server.url}{path}", wait_until="networkidle")
            found += [f"{path}: {finding}" for finding in looked_at(page, f"{language}{path}")]
        assert found == []
        assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")

    chromium.visit(walk, language=language)


def looked_at(page: Page, name: str) -> list[str]:
    """Look at one page as it is, on phone and desktop, light and dark."""
    found = []
    for size, dark in ((PHONE, True), (DESKTOP, False)):
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        page.emulate_media(color_scheme="dark" if dark else "light")
        found += serious_findings(page)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"sticks out at {size['width']}")
        take_picture(page, f"{name.replace('/', '-')}-{size['width']}")
    return found
