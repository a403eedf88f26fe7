"""Routers and links: made after the password, shown once, taken back."""

import base64
import html
import re
from collections.abc import Iterator

import pytest

from tests.peers.registry_server import PASSWORD, RegistryServer
from tests.registry.web.conftest import Visitor, new_address, served, visitor_of

BUTTON = "Register my IP address"


@pytest.fixture(scope="module")
def following(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """A registry that follows host names and writes mail into a folder."""
    directory = tmp_path_factory.mktemp("following")
    yield from served(
        f"sqlite:///{directory / 'registry.sqlite'}",
        directory,
        follow_hostnames="1",
        mail_url=str(directory / "mails"),
    )


def make(visitor: Visitor, label: str = "") -> str:
    """Make an updater; give the page that shows it."""
    client, _ = visitor.signed_in()
    form = client.get("/updaters").form("Create an updater")
    return html.unescape(client.submit(form, label=label, password=PASSWORD).text)


def test_an_updater_reports_by_link_and_by_the_protocol(visitor: Visitor) -> None:
    """Both ways that the page shows register the address that uses them, in one slot."""
    text = make(visitor, "Router")
    found = re.search(r'<code id="link">([^<]+)</code>', text)
    assert found is not None
    link = found[1]
    home, moved = new_address(), new_address()
    opened = visitor.client(home)
    page = opened.get(link)
    assert home in page.text
    assert visitor.networks == []
    assert "This network is registered." in opened.submit(page.form(BUTTON)).text
    assert visitor.networks == [f"{home}/32"]
    command = re.search(r"curl -u (\S+) '([^']+)'", text)
    assert command is not None
    basic = base64.b64encode(command[1].encode()).decode()
    reply = visitor.client(moved).get(command[2], Authorization=f"Basic {basic}")
    assert reply.text.strip() == f"good {moved}"
    assert visitor.networks == [f"{moved}/32"]


def test_the_password_is_asked_for_and_the_secret_shown_once(visitor: Visitor) -> None:
    """Without the password nothing is made; the list shows no secret afterwards."""
    client, _ = visitor.signed_in()
    form = client.get("/updaters").form("Create an updater")
    assert "This is not your password" in client.submit(form, password="wrong").text
    assert "Your updaters" not in client.get("/updaters").text
    text = make(visitor, "Router")
    secrets = re.findall(r"/(?:u|link)/([a-z0-9]+)", text)
    assert len(set(secrets)) == 2
    page = client.get("/updaters")
    assert "Router" in page.text
    assert not [secret for secret in secrets if secret in page.text]


def test_a_removed_updater_is_worth_nothing(visitor: Visitor) -> None:
    """Its link is not valid any more and its address is forgotten; nobody else can remove it."""
    link = re.search(r'<code id="link">([^<]+)</code>', make(visitor))
    assert link is not None
    opened = visitor.client()
    opened.submit(opened.get(link[1]).form(BUTTON))
    stranger, page = visitor_of(visitor.server).signed_in()
    csrf = page.form("Register my IP address").values["csrf_token"]
    stranger.post("/updaters/remove", {"csrf_token": csrf, "number": "1"})
    assert visitor.networks == [f"{visitor.address}/32"]
    client, _ = visitor.signed_in()
    client.submit(client.get("/updaters").form("Remove"))
    assert visitor.networks == []
    assert visitor.client().get(link[1]).status == 404


def test_updaters_count_towards_the_limit(visitor: Visitor) -> None:
    """Five are made, the sixth is refused in words."""
    for _ in range(5):
        assert "Your new updater" in make(visitor)
    assert "All 5 places" in make(visitor)


@pytest.mark.parametrize(
    ("hostname", "reason"),
    [
        ("localhost", "not a full host name"),
        ("home.local", "no public name server"),
        ("not a name", "not a"),
        ("127.0.0.1", "no public name server"),
    ],
)
@pytest.mark.processes
def test_a_host_name_that_cannot_be_followed_is_refused_with_the_reason(
    following: RegistryServer, hostname: str, reason: str
) -> None:
    """Names that lead nowhere public are refused before anybody is asked."""
    client, _ = visitor_of(following).signed_in()
    form = client.get("/updaters").form("Follow it")
    assert reason in client.submit(form, hostname=hostname).text


@pytest.mark.processes
def test_mails_about_failures_are_switched_off_and_on(following: RegistryServer) -> None:
    """The choice is kept, and offered the other way round afterwards."""
    client, _ = visitor_of(following).signed_in()
    page = client.submit(
        client.get("/updaters").form("Stop sending me mails about failing updaters")
    )
    assert "From now on we send no mails" in page.text
    page = client.submit(page.form("Send me a mail when an updater has failed for a day"))
    assert "From now on we send a mail when" in page.text


def test_without_the_operators_leave_no_host_name_is_followed(visitor: Visitor) -> None:
    """No form, and no way around it."""
    client, page = visitor.signed_in()
    assert "Follow a host name" not in client.get("/updaters").text
    csrf = page.form("Register my IP address").values["csrf_token"]
    values = {"csrf_token": csrf, "hostname": "home.example.net"}
    assert client.post("/updaters/hostname", values).status == 404
