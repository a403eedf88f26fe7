"""Redis as the registry leaves it, written by hand; and a follower that a test may wait for."""

import contextlib
import ipaddress
from collections.abc import AsyncIterator, Callable

import redis
from twisted.internet import reactor
from twisted.internet.task import deferLater

from smartdns.allowlist.follower import Follower
from smartdns.allowlist.mirror import Mirror
from smartdns.contract.grants import GrantChange, Head, Profile
from smartdns.contract.redis_layout import (
    CHANGES,
    GRANTS,
    HEAD,
    encode_head,
    encode_message,
    encode_profile,
)
from tests.peers.redis_server import RedisServer
from tests.peers.waiting import HANG_S, undisturbed_s

DAY = 740_000
HOME, GARDEN = "192.0.2.7/32", "2001:db8:1:2::/64"


class Published:
    """What the registry has published, kept beside Redis so that both can be compared."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.head = Head(0, 0)
        self.grants: dict[str, Profile] = {}

    def rebuild(self, grants: dict[str, Profile] | None = None, epoch: int | None = None) -> None:
        """Publish everything under a new epoch."""
        self.grants = dict(self.grants if grants is None else grants)
        self.head = Head(epoch or self.head.epoch + 1, self.head.position)
        with self.client.pipeline() as pipe:
            pipe.delete(GRANTS)
            for network, profile in self.grants.items():
                pipe.hset(GRANTS, network, encode_profile(profile))
            pipe.set(HEAD, encode_head(self.head))
            pipe.publish(CHANGES, encode_head(self.head))
            pipe.execute()

    def change(self, network: str, profile: Profile | None, *, tell: bool = True) -> str:
        """Publish one change, or lose its message; gives the message."""
        self.head = Head(self.head.epoch, self.head.position + 1)
        message = encode_message([GrantChange(self.head, ipaddress.ip_network(network), profile)])
        with self.client.pipeline() as pipe:
            if profile is None:
                self.grants.pop(network, None)
                pipe.hdel(GRANTS, network)
            else:
                self.grants[network] = profile
                pipe.hset(GRANTS, network, encode_profile(profile))
            pipe.set(HEAD, encode_head(self.head))
            if tell:
                pipe.publish(CHANGES, message)
            pipe.execute()
        return message

    def is_mirrored(self, mirror: Mirror) -> bool:
        """Say whether the mirror is as far, and holds exactly these."""
        return (
            mirror.head == self.head
            and mirror.count() == len(self.grants)
            and all(let_in(mirror, network) == self.grants[network] for network in self.grants)
        )


def let_in(mirror: Mirror, network: str) -> Profile | None:
    """What the first address of a network may see."""
    return mirror.lookup(ipaddress.ip_network(network).network_address.packed, DAY)


async def until(holds: Callable[[], bool], within_s: float = HANG_S) -> None:
    """Wait until it holds, and fail where it does not; a wait for a processor does not count."""
    end = undisturbed_s() + within_s
    while not holds():
        assert undisturbed_s() < end, f"still not so after {within_s} s"
        await pause(0.01)


async def pause(seconds: float) -> None:
    """Let the reactor turn."""
    await deferLater(reactor, seconds)  # type: ignore[arg-type]


async def in_step(follower: Follower, published: Published, within_s: float = HANG_S) -> None:
    """Wait until the mirror is what was published."""
    await until(lambda: published.is_mirrored(follower.mirror), within_s)


@contextlib.asynccontextmanager
async def followed(
    server: RedisServer,
    follower_of: Callable[[str], Follower],
    grants: dict[str, Profile] | None = None,
) -> AsyncIterator[tuple[Published, Follower]]:
    """Publish grants, `HOME` by default, and give them with a follower that has them."""
    with server.client() as client:
        published = Published(client)
        published.rebuild({HOME: Profile("us")} if grants is None else grants)
        follower = follower_of(server.url)
        await in_step(follower, published)
        yield published, follower
