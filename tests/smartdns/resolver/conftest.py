"""Resolvers on real sockets."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_twisted

from tests.peers.name_server import NameServer
from tests.smartdns.resolver.laboratory import Laboratory

Make = Callable[..., Laboratory]


@pytest.fixture(params=[True, False], ids=["fast", "plain"])
def fast(request: pytest.FixtureRequest) -> bool:
    """Whether datagrams take the fast path: both ways of answering them pass the same tests."""
    return bool(request.param)


@pytest_twisted.async_yield_fixture
async def make_resolver(fast: bool) -> AsyncIterator[Make]:
    """Make resolvers as the test needs them; they are stopped after it."""
    made: list[Laboratory] = []

    def make(*ports: int, **options: Any) -> Laboratory:
        made.append(Laboratory(*ports, **{"fast": fast} | options))
        return made[-1]

    yield make
    for laboratory in made:
        await laboratory.stop()


@pytest_twisted.async_yield_fixture
async def resolver(fast: bool, name_server: NameServer) -> AsyncIterator[Laboratory]:
    """A resolver in front of a real name server."""
    laboratory = Laboratory(name_server.port, fast=fast)
    yield laboratory
    await laboratory.stop()
