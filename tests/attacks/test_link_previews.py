"""A link that somebody pastes into a chat, and pages that use a link as a picture."""

import html
import re
from dataclasses import dataclass

import pytest

from tests.peers.form_client import FormClient
from tests.peers.registry_server import PASSWORD
from tests.registry.web.conftest import Visitor, new_address

BUTTON = "Register my IP address"
AGENTS = {
    "Slack": {"User-Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"},
    "WhatsApp": {"User-Agent": "WhatsApp/2.23.20.0 A", "Accept": "*/*"},
    "Facebook": {"User-Agent": "facebookexternalhit/1.1", "Range": "bytes=0-524287"},
    "Telegram": {"User-Agent": "TelegramBot (like TwitterBot)"},
    "Skype": {"User-Agent": "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5"},
    "a browser of a virus scanner": {
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0 Safari/537.36",
        "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
        "Sec-Fetch-Site": "none",
        "Sec-Fetch-Dest": "document",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-User": "?1",
    },
    "curl": {"User-Agent": "curl/8.5.0", "Accept": "*/*"},
    "nothing": {},
}
"""What some programs send that open links by themselves; the design knows none of them."""


@dataclass
class Links:
    """The links of one updater."""

    visitor: Visitor
    for_people: str
    for_routers: str


@pytest.fixture
def links(visitor_on_each: Visitor) -> Links:
    """Make an updater as its owner does, and register the home with its link."""
    client, _ = visitor_on_each.signed_in()
    form = client.get("/updaters").form("Create an updater")
    text = html.unescape(client.submit(form, label="", password=PASSWORD).text)
    person = re.search(r'<code id="link">([^<]+)</code>', text)
    router = re.search(r'<code id="router-link">([^<]+)</code>', text)
    assert person is not None
    assert router is not None
    home = visitor_on_each.client()
    assert "This network is registered." in home.submit(home.get(person[1]).form(BUTTON)).text
    assert visitor_on_each.networks == [f"{visitor_on_each.address}/32"]
    return Links(visitor_on_each, person[1], router[1])


def test_a_preview_of_a_persons_link_changes_nothing(links: Links) -> None:
    """GET and HEAD from a data centre, of the page and all that it names: the home stays."""
    for headers in AGENTS.values():
        client = FormClient(links.visitor.server.url, new_address(), dict(headers))
        for method in ("HEAD", "GET", "OPTIONS"):
            assert client.request(method, links.for_people).status in {200, 400}
        page = client.get(links.for_people)
        for address in re.findall(r'(?:href|src|action)="([^"]+)"', page.text):
            client.request("GET", html.unescape(address))
    assert links.visitor.networks == [f"{links.visitor.address}/32"]


def test_the_button_needs_the_token_of_its_page(links: Links) -> None:
    """Another site's form with the link as its action registers nobody."""
    client = links.visitor.client(new_address())
    assert client.request("POST", links.for_people, {}).status == 400
    form = client.get(links.for_people).form(BUTTON)
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert client.request("POST", form.action, form.values, headers).status == 403
    assert links.visitor.networks == [f"{links.visitor.address}/32"]


def test_a_persons_link_is_of_no_use_as_a_routers(links: Links) -> None:
    """Neither as a link that one GET uses, nor as a password of the protocol, nor reversed."""
    secret = links.for_people.rpartition("/")[2]
    token = links.for_routers.rpartition("/")[2]
    client = links.visitor.client(new_address())
    assert client.get(f"/u/{secret}").status == 404
    assert client.get(f"/link/{token}").status == 404
    assert links.visitor.networks == [f"{links.visitor.address}/32"]


def test_a_routers_link_still_works_with_one_get(links: Links) -> None:
    """A router of the home that sends nothing but GET is registered, as is curl."""
    for headers in ({}, AGENTS["curl"], {"User-Agent": "Fritz!Box DDNS/1.0.2"}):
        address = new_address()
        client = FormClient(links.visitor.server.url, address, dict(headers))
        assert client.get(links.for_routers).text.startswith(f"good {address}")
        assert links.visitor.networks == [f"{address}/32"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "image/avif,image/webp,image/*,*/*;q=0.8"},
        {"Referer": "http://forum.example/"},
        {"Origin": "http://forum.example"},
        {"Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch"},
        {"X-Moz": "prefetch"},
        {"X-Purpose": "preview"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Dest": "image"},
    ],
)
def test_a_routers_link_embedded_elsewhere_registers_nobody(
    links: Links, headers: dict[str, str]
) -> None:
    """A picture in a forum, and what browsers fetch in advance, is refused without effect."""
    client = FormClient(links.visitor.server.url, new_address(), headers)
    assert client.request("GET", links.for_routers).status == 403
    assert links.visitor.networks == [f"{links.visitor.address}/32"]
