"""Host names, languages, guides and the check, in Debian's chromium: with script and without."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.peers.name_server import NameServer
from tests.peers.registry_server import RegistryServer
from tests.registry.web.browser_round import Round, says
from tests.registry.web.conftest import served, sign_in, visitor_of


@pytest.fixture
def following(way: Round, name_server: NameServer, tmp_path: Path) -> Iterator[RegistryServer]:
    """A registry behind a proxy that follows host names, on the database of `way`.

    No name is followed to a private address, and a proxy can tell of another.
    """
    yield from served(
        way.server.database_url,
        tmp_path,
        follow_hostnames="1",
        name_server=str(name_server.port),
        trusted_proxies="127.0.0.1",
    )


def test_following_a_host_name(way: Round, following: RegistryServer) -> None:
    """The form says who sees the name; a name that leads here is followed, shown and removed."""
    visitor = visitor_of(following)

    def walk(page: Page) -> None:
        page.set_extra_http_headers({"X-Forwarded-For": "8.8.8.8"})
        sign_in(page, visitor)
        page.get_by_role("link", name="Routers and links").click()
        card = page.locator("section", has=page.locator("#follow"))
        expect(card).to_contain_text("The name servers that we ask see the name.")
        for name in ("moved.example.com", "house.example.com"):
            page.get_by_label("Host name", exact=True).fill(name)
            page.get_by_role("button", name="Follow it").click()
            says(page, "is followed" if name.startswith("house") else "not lead to where you are")
        expect(page.locator("section", has=page.locator("#mine"))).to_contain_text(
            re.compile(r"house\.example\.com · 8\.8\.8\.8")
        )
        way.look(page, "host-name")
        assert visitor.networks == ["8.8.8.8/32"]
        page.get_by_role("button", name="Remove followed host name").click()
        says(page, "The updater and its address have been removed")

    way.visit(walk)
    assert visitor.networks == []


def test_switching_the_language(way: Round) -> None:
    """The choice at the foot of the page counts on every page, before and after signing in."""
    visitor = visitor_of(way.server)

    def walk(page: Page) -> None:
        page.goto(way.server.url)
        page.get_by_role("button", name="Español").click()
        expect(page.get_by_role("heading", name="Iniciar sesión")).to_be_visible()
        sign_in(page, visitor)
        expect(page.locator("html")).to_have_attribute("lang", "es")
        page.get_by_role("button", name="العربية").click()
        expect(page.locator("html")).to_have_attribute("dir", "rtl")

    way.visit(walk)


def test_a_guide_shows_the_servers_to_enter(way: Round) -> None:
    """From DNS Settings it is two taps to the steps for a device with this service's servers."""
    visitor = visitor_of(way.server)

    def walk(page: Page) -> None:
        sign_in(page, visitor)
        page.get_by_role("link", name="How to do that on your device").click()
        page.get_by_role("link", name="Apple TV").click()
        expect(page.get_by_role("heading", name="Apple TV")).to_be_visible()
        assert page.locator(".address").all_inner_texts() == ["127.0.0.1", "127.0.0.2"]
        expect(page.get_by_role("button", name="Copy")).to_have_count(2 if way.script else 0)

    way.visit(walk)


def test_a_tick_is_a_link_for_whoever_sees_no_pictures(way: Round) -> None:
    """Its words are true whether or not it is found, and behind it is the picture itself."""

    def walk(page: Page) -> None:
        page.goto(f"{way.server.url}/check")
        if way.script:
            expect(page.locator("#steps .ask")).to_have_count(0)
            return
        way.look(page, "ticks")
        page.get_by_role("link", name="yes or no?").first.click()
        expect(page).to_have_url(re.compile("reached.svg"))

    way.visit(walk)
