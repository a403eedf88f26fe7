"""Followers that are stopped after the test."""

from collections.abc import Callable
from typing import Any

import pytest_twisted
from twisted.internet.defer import gatherResults

from smartdns.allowlist.follower import Follower
from smartdns.allowlist.mirror import Mirror
from smartdns.allowlist.redis_feed import RedisFeed

FollowerOf = Callable[..., Follower]


@pytest_twisted.async_yield_fixture
async def follower_of() -> Any:
    """Give a function that starts a follower of a Redis URL."""
    started: list[Follower] = []

    def start(url: str, mirror: Mirror | None = None, **arguments: Any) -> Follower:
        follower = Follower(Mirror() if mirror is None else mirror, RedisFeed(url), **arguments)
        follower.startService()
        started.append(follower)
        return follower

    yield start
    await gatherResults([follower.stopService() for follower in started if follower.running])
