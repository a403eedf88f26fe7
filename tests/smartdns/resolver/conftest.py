"""Resolvers on real sockets."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest_twisted

from tests.peers.name_server import NameServer
from tests.smartdns.resolver.laboratory import Laboratory

Make = Callable[..., Laboratory]


@pytest_twisted.async_yield_fixture
async def make_resolver() -> AsyncIterator[Make]:
    """Make resolvers as the test needs them; they are stopped after it."""
    made: list[Laboratory] = []

    def make(*ports: int, **options: Any) -> Laboratory:
        made.append(Laboratory(*ports, **options))
        return made[-1]

    yield make
    for laboratory in made:
        await laboratory.stop()


@pytest_twisted.async_yield_fixture
async def resolver(name_server: NameServer) -> AsyncIterator[Laboratory]:
    """A resolver in front of a real name server."""
    laboratory = Laboratory(name_server.port)
    yield laboratory
    await laboratory.stop()
