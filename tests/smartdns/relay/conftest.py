"""Laboratories and origins that end with their test."""

from collections.abc import Callable, Generator
from typing import Any

import pytest
import pytest_twisted

from tests.smartdns.relay.laboratory import Laboratory, Origin, Serve


@pytest.fixture
def origin() -> Generator[Callable[..., Origin], None, None]:
    """Make origins."""
    made: list[Origin] = []

    def make(serve: Serve, host: str = "127.0.0.1", port: int = 0) -> Origin:
        made.append(Origin(serve, host, port))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def laboratory() -> Generator[Callable[..., Laboratory], None, None]:
    """Make and start relays."""
    made: list[Laboratory] = []

    def make(origin_port: int, **arguments: Any) -> Laboratory:
        made.append(Laboratory(origin_port, **arguments))
        made[-1].service.startService()
        return made[-1]

    yield make
    for one in made:
        if one.service.running:
            pytest_twisted.blockon(one.stop())
