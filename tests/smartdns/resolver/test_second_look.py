"""The second look: a mistake of ours costs a batch, not the process."""

from typing import Any

import dns.exception
import pytest
from twisted.logger import Logger

from smartdns.resolver import second_look
from tests.peers.name_server import NameServer
from tests.smartdns.resolver.conftest import Make


@pytest.fixture
def fast() -> bool:
    """It is the fast path's."""
    return True


class _Silent(Logger):
    said = 0

    def failure(self, *_: Any, **__: Any) -> None:
        type(self).said += 1


def _mistaken(_: bytes) -> None:
    raise IndexError


async def test_after_a_batch_that_cannot_be_answered_the_next_one_is(
    make_resolver: Make, name_server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever finds a query that we trip over stops nobody else's; and it is told of."""
    resolver = make_resolver(name_server.port)
    monkeypatch.setattr(second_look, "Logger", _Silent)
    with monkeypatch.context() as mistaken:
        mistaken.setattr(second_look, "read_common_query", _mistaken)
        with pytest.raises(dns.exception.Timeout):
            await resolver.ask("www.example.com", timeout=0.3)
    assert _Silent.said == 1
    assert (await resolver.ask("www.example.com")).answer
