"""Who asked is forgotten within a minute, whether others ask meanwhile or nobody does."""

import gc
import mmap
import re
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.task import deferLater

from smartdns.resolver import listeners
from tests.peers.name_server import NameServer
from tests.peers.waiting import HANG_S
from tests.smartdns.resolver.conftest import Make
from tests.smartdns.resolver.laboratory import STRANGER, Granted, Laboratory

EVERY_S = 0.2
_CONTAINERS = (dict, list, tuple, set, frozenset, deque)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute would be long for a test."""
    monkeypatch.setattr(listeners, "FORGET_EVERY_S", EVERY_S)


async def test_nothing_says_who_asked_a_minute_later(
    make_resolver: Make, name_server: NameServer
) -> None:
    """A household with a cookie and a stranger, both counted: no octet of theirs is left."""
    resolver = make_resolver(name_server.port, client_rate=1, refused_rate=1)
    for _ in range(3):
        await resolver.dig("www.example.com")
        await resolver.ask("www.example.com", source=STRANGER)
    addresses = b"\x7f\0\0\1", b"\x7f\0\0\2", b"\x7f\0\0"
    assert any(_held(resolver, each) for each in addresses)
    until = time.monotonic() + HANG_S  # a look at everything takes seconds on a busy machine
    while held := [each for each in addresses if _held(resolver, each)]:
        assert time.monotonic() < until, len(held)
        await deferLater(reactor, 0.05)


async def test_whoever_is_forgotten_is_served_as_before(resolver: Laboratory) -> None:
    """Several such minutes long: each query is answered, and each stranger refused."""
    until = time.monotonic() + 5 * EVERY_S
    while time.monotonic() < until:
        assert (await resolver.ask("www.example.com")).answer
        assert not (await resolver.ask("www.example.com", source=STRANGER)).answer


def _held(resolver: Laboratory, octets: bytes) -> bool:
    """Say whether the resolver holds these octets: as a key, as a value, in a sender's address."""
    sender = re.compile(rb"\x02\0.." + re.escape(octets), re.DOTALL)  # struct sockaddr_in
    return any(
        each == octets if isinstance(each, bytes) else sender.search(each)
        for each in _reached_from([resolver.listeners, *_frames()])
    )


def _frames() -> list[dict[str, Any]]:
    """Give what the functions of hot threads know, each as it stands."""
    hot = {thread.ident for thread in threading.enumerate() if thread.name == "hot"}
    return [
        dict(frame.f_locals)
        for ident, innermost in sys._current_frames().items()
        if ident in hot
        for frame, _ in traceback.walk_stack(innermost)
    ]


def _reached_from(start: object) -> Iterator[Any]:
    """Yield octets and buffers reached from `start` through containers and our own objects.

    What households registered is the allowlist's; its own address is a socket's name.
    """
    seen: set[int] = set()
    waiting = [start]
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, type | Granted):
            continue
        seen.add(id(each))
        if isinstance(each, bytes | mmap.mmap):
            yield each
        elif isinstance(each, _CONTAINERS) or type(each).__module__.startswith("smartdns."):
            waiting.extend(gc.get_referents(each))
