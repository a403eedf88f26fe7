"""One publishes at a time, whichever process it is in."""

from sqlalchemy import Engine

from registry.models import SlotKind
from registry.publishing.lock import publishing_lock
from smartdns.contract.redis_layout import HEAD, decode_head
from tests.peers.redis_server import RedisServer
from tests.registry.publishing.conftest import PublisherOf
from tests.registry.publishing.households import Households
from tests.registry.publishing.settled import is_published
from tests.smartdns.allowlist.by_hand import until


async def test_two_publishers_take_turns(
    engine: Engine, households: Households, redis_server: RedisServer, publisher_of: PublisherOf
) -> None:
    """Each change goes out once, whoever publishes it: positions count the changes."""
    account = households.add("192.0.2.1/32", region="us")
    for _ in range(2):
        publisher_of(engine, redis_server.url)
    await until(lambda: is_published(households, redis_server))
    for region in ("gb", "fr", "de", "us"):
        households.alter(account, region=region)
        await until(lambda: is_published(households, redis_server))
    households.hold(account, "2001:db8:0:1::/64", SlotKind.UPDATER)
    await until(lambda: is_published(households, redis_server))
    with redis_server.client() as client:
        assert decode_head(client.get(HEAD)).position == 5


def test_the_lock_is_held_by_one_and_freed(engine: Engine) -> None:
    """A second try while it is held fails; after the holder's end it succeeds."""
    with publishing_lock(engine) as first, publishing_lock(engine) as second:
        assert (first, second) == (True, False)
    with publishing_lock(engine, wait_s=1) as third:
        assert third
