"""Strangers try to lock an account's owner out: wrong passwords, requests for mails."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.peers.form_client import FormClient, Page
from tests.peers.registry_server import PASSWORD, RegistryServer
from tests.peers.waiting import wait_until
from tests.registry.databases import create_postgresql_database
from tests.registry.web.conftest import Visitor, new_address, served, visitor_of

BUTTON = "Register my IP address"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def mailing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RegistryServer]:
    """A registry that writes its mails into a folder, on each database."""
    directory = tmp_path_factory.mktemp("mailing")
    mails = str(directory / "mails")
    if request.param == "sqlite":
        url = f"sqlite:///{directory / 'registry.sqlite'}"
        yield from served(url, directory, mail_url=mails)
        return
    with create_postgresql_database(request.getfixturevalue("postgresql_server")) as url:
        yield from served(url, directory, mail_url=mails)


def attempt(client: FormClient, email: str, password: str) -> int:
    """Send the sign-in form until it finds a place; give the status."""
    form = client.get("/sign-in").form("Sign in")
    values = {**form.values, "email": email, "password": password}
    while (status := client.request("POST", form.action, values).status) == 503:
        pass
    return status


def guess_from_everywhere(visitor: Visitor, networks: int, each: int) -> list[int]:
    """Send wrong passwords for the account from many addresses; give the statuses."""

    def guess(address: str) -> list[int]:
        stranger = visitor.client(address)
        return [attempt(stranger, visitor.email, f"wrong {n}") for n in range(each)]

    with ThreadPoolExecutor(4) as pool:
        addresses = [new_address() for _ in range(networks)]
        return [status for found in pool.map(guess, addresses) for status in found]


@pytest.mark.parametrize("networks", [10, 40])
def test_the_owner_gets_in_while_strangers_guess(visitor_on_each: Visitor, networks: int) -> None:
    """A browser that signed in before, and the registered network, are not locked out."""
    visitor = visitor_on_each
    owner, page = visitor.signed_in()
    owner.submit(page.form(BUTTON))
    owner.submit(owner.get("/account").form("Sign out"))
    owner.source = new_address()  # the same browser, on its way
    statuses = guess_from_everywhere(visitor, networks, 11)
    assert statuses.count(200) >= 100
    assert statuses[-1] == 429, "strangers are slowed down"
    assert attempt(owner, visitor.email, PASSWORD) == 302
    assert attempt(visitor.client(), visitor.email, PASSWORD) == 302, "from home"
    elsewhere = visitor.client(new_address())  # a browser that nobody knows waits a minute at most
    wait_until(lambda: attempt(elsewhere, visitor.email, PASSWORD) == 302)


def test_a_network_that_only_a_name_vouches_for_is_a_strangers(visitor: Visitor) -> None:
    """The owner at a network that the account has not registered is slowed down as others are."""
    guess_from_everywhere(visitor, 10, 10)
    stranger = visitor.client(new_address())
    assert [attempt(stranger, visitor.email, f"wrong {n}") for n in range(3)] == [200, 200, 429]


def test_the_cookie_of_one_account_is_worth_nothing_for_another(visitor: Visitor) -> None:
    """A stranger with an account of their own is a stranger to every other account."""
    other = visitor_of(visitor.server)
    stranger, _ = other.signed_in()
    stranger.submit(stranger.get("/account").form("Sign out"))
    guess_from_everywhere(visitor, 10, 10)
    tried = [attempt(stranger, visitor.email, f"wrong {n}") for n in range(3)]
    assert tried == [200, 200, 429]


def test_the_cookie_tells_nothing_and_lets_nobody_in(visitor: Visitor) -> None:
    """It names neither account nor address, and with it alone nobody is signed in."""
    client, _ = visitor.signed_in()
    (name,) = [each for each in client.cookies if each.startswith("known-")]
    (line,) = [each for each in client.set_cookies if each.startswith(name)]
    assert "HttpOnly" in line
    assert "SameSite=Lax" in line
    assert visitor.email not in line
    thief = visitor.client()
    thief.cookies = {name: client.cookies[name]}
    assert thief.get("/").path.startswith("/sign-in")


@pytest.mark.parametrize("requests", [5, 20])
def test_forgetting_works_for_the_owner_and_answers_everybody_alike(
    mailing: RegistryServer, requests: int
) -> None:
    """The strangers' mails are few, nobody is told, and the owner's own request is mailed."""
    visitor = visitor_of(mailing)
    owner, _ = visitor.signed_in()
    owner.submit(owner.get("/account").form("Sign out"))
    answers = {_forgot(visitor.client(new_address()), visitor.email) for _ in range(requests)}
    nobody = {_forgot(visitor.client(new_address()), f"no.{visitor.email}") for _ in range(5)}
    assert answers == nobody
    assert len(answers) == 1
    wait_until(lambda: _mails(mailing, visitor) == 2)
    assert {_forgot(owner, visitor.email)} == answers
    wait_until(lambda: _mails(mailing, visitor) == 3)


def test_setting_a_new_password_makes_the_browser_known(mailing: RegistryServer) -> None:
    """The owner elsewhere, with a new browser, gets in by mail in spite of the guesses."""
    visitor = visitor_of(mailing)
    guess_from_everywhere(visitor, 10, 10)
    owner = visitor.client(new_address())
    assert _forgot(owner, visitor.email) == (200, True)
    wait_until(lambda: _mails(mailing, visitor) == 1)
    (text,) = _texts(mailing, visitor)
    link = next(word for word in text.replace("=\n", "").split() if "/forgot/" in word)
    page = owner.get(link)
    form = next(form for form in page.forms if "password" in form.values)
    new = dict.fromkeys(("password", "password_confirm"), "three unrelated words")
    assert owner.submit(form, **new).path.startswith("/sign-in")
    for n in range(5):
        assert attempt(owner, visitor.email, f"wrong {n}") == 200
    assert attempt(owner, visitor.email, "three unrelated words") == 302


def _forgot(client: FormClient, email: str) -> tuple[int, bool]:
    form = client.get("/forgot").form("Send the link")
    values = {**form.values, "email": email}
    page: Page = client.request("POST", form.action, values)
    while page.status == 503:
        page = client.request("POST", form.action, values)
    return page.status, "we have sent it a mail" in page.text


def _texts(server: RegistryServer, visitor: Visitor) -> list[str]:
    folder = Path(server.directory) / "mails"
    texts = [file.read_text() for file in sorted(folder.glob("*.eml"))]
    return [text for text in texts if f"To: {visitor.email}" in text]


def _mails(server: RegistryServer, visitor: Visitor) -> int:
    return len(_texts(server, visitor))
