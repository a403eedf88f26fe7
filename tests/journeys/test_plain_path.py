"""Journeys where datagrams take the plain path: those that take the fast one, once more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.test_faults import (  # noqa: F401 - run here as well, with the fixture below
    browser,
    test_a_resolver_that_is_killed_is_back,
    test_a_rolling_restart_loses_no_query,
    test_redis_dies_and_nobody_is_locked_out,
)
from tests.peers.installation import Installation
from tests.peers.missing import require_program
from tests.peers.name_server import NameServer


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, name_server_of_the_session: NameServer
) -> Iterator[Installation]:
    """It runs, with the owner's account, and its resolvers without hot threads."""
    require_program("dig", "bind9-dnsutils")
    upstream = f"127.0.0.1:{name_server_of_the_session.port}"
    installation = Installation(tmp_path_factory.mktemp("plain"), upstream)
    installation.start(fast_path="0")
    (resolver,) = installation.pids("resolver")
    assert len(list(Path(f"/proc/{resolver}/task").iterdir())) == 1
    yield installation
    installation.stop()
