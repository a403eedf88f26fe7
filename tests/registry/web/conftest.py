"""One registry for the session and database; each test has an account and an address of its own."""

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import playwright.sync_api
import pytest
from sqlalchemy import create_engine, text

from registry.database.schema import upgrade
from tests.peers.browser import ChromiumThread
from tests.peers.form_client import FormClient, Page
from tests.peers.ports import free_port
from tests.peers.registry_server import PASSWORD, RegistryServer
from tests.registry.databases import create_postgresql_database
from tests.registry.web.browser_round import Round

_numbers = itertools.count(1)


@dataclass
class Visitor:
    """Somebody with an account, at home at an address of loopback."""

    server: RegistryServer
    email: str
    account_id: int
    address: str

    def client(self, address: str | None = None, **headers: str) -> FormClient:
        """Open a browser that nobody has signed in with."""
        return FormClient(self.server.url, address or self.address, headers)

    def signed_in(self, address: str | None = None) -> tuple[FormClient, Page]:
        """Open a browser, sign in, and give the page that follows."""
        client = self.client(address)
        return client, client.sign_in(self.email, PASSWORD)

    @property
    def networks(self) -> list[str]:
        """Networks that the account holds."""
        return self.server.networks(self.email)


def new_address() -> str:
    """Give an address of loopback that no other test uses."""
    number = next(_numbers)
    return f"127.1.{number // 250}.{number % 250 + 1}"


def visitor_of(server: RegistryServer) -> Visitor:
    """Give a visitor with an account of its own."""
    email = f"visitor{next(_numbers)}@example.com"
    return Visitor(server, email, server.add_account(email), new_address())


StartServer = Callable[..., RegistryServer]


@pytest.fixture
def start_registry(tmp_path: Path) -> Iterator[StartServer]:
    """Start registries with settings of the test's own."""
    started: list[RegistryServer] = []

    def start(**settings: Any) -> RegistryServer:
        directory = tmp_path / f"registry{len(started)}"
        directory.mkdir()
        url = f"sqlite:///{directory / 'registry.sqlite'}"
        upgrade(url)
        server = RegistryServer(url, directory, **settings)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        assert server.stop() == 0
        assert server.output.read_text() == ""


@pytest.fixture(scope="session")
def sqlite_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """Serve one registry on SQLite to all tests that leave it running."""
    directory = tmp_path_factory.mktemp("registry")
    yield from served(f"sqlite:///{directory / 'registry.sqlite'}", directory)


@pytest.fixture(scope="session")
def postgresql_registry(
    postgresql_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RegistryServer]:
    """Serve one registry on PostgreSQL to all tests that leave it running."""
    name = f"web_{os.urandom(6).hex()}"
    engine = create_engine(postgresql_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    directory = tmp_path_factory.mktemp("registry_postgresql")
    yield from served(postgresql_server.replace("/postgres?", f"/{name}?"), directory)
    engine.dispose()


def served(url: str, directory: Path, **settings: str) -> Iterator[RegistryServer]:
    """Serve a registry for as long as a fixture lives; it must have said nothing."""
    upgrade(url)
    server = RegistryServer(url, directory, **settings)
    server.start()
    yield server
    assert server.stop() == 0
    assert server.output.read_text() == "", "a page said something"


@pytest.fixture
def visitor(sqlite_registry: RegistryServer) -> Visitor:
    """Somebody with an account on SQLite."""
    return visitor_of(sqlite_registry)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.processes)])
def visitor_on_each(request: pytest.FixtureRequest) -> Visitor:
    """Somebody with an account, once on SQLite and once on PostgreSQL."""
    server: Any = request.getfixturevalue(f"{request.param}_registry")
    return visitor_of(server)


@pytest.fixture(scope="session")
def chromium() -> Iterator[ChromiumThread]:
    """One browser for the session; each visit has a window of its own."""
    thread = ChromiumThread()
    yield thread
    thread.close()


@pytest.fixture(scope="session")
def page_test(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """A registry at page.test, with hosts of one family and open for sign-up, on SQLite."""
    directory = tmp_path_factory.mktemp("page.test")
    url = f"sqlite:///{directory / 'registry.sqlite'}"
    yield from _at_page_test(url, directory)


@pytest.fixture(scope="session")
def page_test_on_postgresql(
    postgresql_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RegistryServer]:
    """The same on PostgreSQL."""
    with create_postgresql_database(postgresql_server) as url:
        yield from _at_page_test(url, tmp_path_factory.mktemp("page.test"))


def _at_page_test(url: str, directory: Path) -> Iterator[RegistryServer]:
    port = free_port()
    yield from served(
        url,
        directory,
        public_url=f"http://page.test:{port}",
        web_listen=f"127.0.0.1:{port} [::1]:{port}",
        ipv4_host="v4.page.test",
        ipv6_host="v6.page.test",
        slot_limit="3",
        sign_up="open",
        mail_url=str(directory / "mails"),
    )


@pytest.fixture(params=["script-phone-sqlite", "no_script-desktop-postgresql"])
def way(request: pytest.FixtureRequest, chromium: ChromiumThread) -> Round:
    """Give both ways through a flow."""
    script = request.param.startswith("script")
    name = "page_test" if script else "page_test_on_postgresql"
    return Round(chromium, request.getfixturevalue(name), script)


def sign_in(page: playwright.sync_api.Page, visitor: Visitor, password: str = PASSWORD) -> None:
    """Sign in as a person does."""
    page.goto(visitor.server.url)
    page.locator("#email").fill(visitor.email)
    page.locator("#password").fill(password)
    page.locator("button.main").click()
    playwright.sync_api.expect(page.locator("#here")).to_be_visible()
