"""Composed resolvers, both ways of answering datagrams; supervised workers."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_twisted

from tests.peers.waiting import HANG_S
from tests.smartdns.running import Running, Start
from tests.smartdns.supervised import Supervised


@pytest.fixture(params=["1", "0"], ids=["fast", "plain"])
def fast_path(request: pytest.FixtureRequest) -> str:
    """How resolvers answer datagrams: either way they pass the same tests."""
    return str(request.param)


@pytest_twisted.async_yield_fixture
async def start(fast_path: str) -> AsyncIterator[Start]:
    """Start resolvers; they are stopped after the test."""
    running: list[Running] = []

    def begin(*arguments: Any, **texts: str) -> Running:
        running.append(Running(*arguments, fast_path=fast_path, **texts))
        return running[-1]

    yield begin
    for each in running:
        await each.service.stopService()
        for group in each.sockets.values():
            for bound in group:
                bound.close()


@pytest.fixture
def supervised(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Supervised]:
    """Workers that are stopped after the test; the parameter is what they are made with."""
    monkeypatch.setattr("smartdns.process.workers.READY_WITHIN_S", HANG_S)  # a machine may be busy
    made = Supervised(**getattr(request, "param", {}))
    yield made
    if made.supervisor.running:
        pytest_twisted.blockon(made.supervisor.stopService())
    pytest_twisted.blockon(made.template.close())
