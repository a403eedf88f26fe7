"""Differences between Redis and database are found, whatever kind they are of."""

import pytest
from sqlalchemy import Engine

from registry.publishing.reconcile import compare
from smartdns.contract.redis_layout import GRANTS
from tests.peers.redis_server import RedisServer
from tests.registry.publishing.households import TODAY, Households
from tests.registry.publishing.settled import settle

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Statements are tested on both databases in test_grants, test_drain and test_lock."""

DAMAGE = {
    "missing": (["192.0.2.1/32"], {}),
    "other": ([], {"192.0.2.2/32": "region=fr"}),
    "surplus": ([], {"198.51.100.66/32": "region=us"}),
    "one missing, one surplus": (["192.0.2.1/32"], {"198.51.100.66/32": "-"}),
    "not normal": ([], {"2001:DB8:0:1:0::/64": "region=us"}),
    "unreadable profile": ([], {"192.0.2.3/32": "\x00"}),
}


@pytest.mark.parametrize(("removed", "written"), DAMAGE.values(), ids=DAMAGE.keys())
def test_every_difference_is_found(
    engine: Engine,
    households: Households,
    redis_server: RedisServer,
    removed: list[str],
    written: dict[str, str],
) -> None:
    """What somebody changed in Redis behind the registry's back is named, and nothing else."""
    for number in range(4):
        households.add(f"192.0.2.{number}/32", region="us")
    with redis_server.client() as client:
        settle(engine, client)
        for network in removed:
            client.hdel(GRANTS, network)
        for network, text in written.items():
            client.hset(GRANTS, network, text)
        steps = list(compare(engine, client, TODAY))
        found = {str(network) for step in steps for network in step.differing}
        unreadable = sum(step.unreadable for step in steps)
    if written.keys() & {"2001:DB8:0:1:0::/64"}:
        assert (found, unreadable) == (set(), 1)
    else:
        assert found == {*removed, *written}
        assert unreadable == 0


def test_agreement_is_found_without_reading_redis_twice(
    engine: Engine, households: Households, redis_server: RedisServer
) -> None:
    """Where all agree, one walk is enough, and it looks at every grant once."""
    for number in range(4):
        households.add(f"192.0.2.{number}/32", region="us")
    with redis_server.client() as client:
        settle(engine, client)
        steps = list(compare(engine, client, TODAY))
    assert sum(step.networks for step in steps) == 4
    assert not any(step.differing for step in steps)
