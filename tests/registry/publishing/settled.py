"""What Redis and the database hold once publishing has come to rest."""

import datetime

import pytest
import redis
from sqlalchemy import Engine, func, select

from registry.database.engine import make_readers
from registry.models import PendingNetwork
from registry.publishing.drain import DrainOutcome, drain
from registry.publishing.lock import publishing_lock
from registry.publishing.rebuild import rebuild
from smartdns.contract.addresses import Network
from smartdns.contract.grants import Profile
from smartdns.contract.redis_layout import GRANTS, HEAD, decode_network, decode_profile
from tests.peers.redis_server import RedisServer
from tests.registry.publishing.households import TODAY, Households


def published(client: redis.Redis) -> dict[Network, Profile]:
    """Everything that Redis grants."""
    fields = client.hgetall(GRANTS)
    return {decode_network(network): decode_profile(text) for network, text in fields.items()}


def pending(engine: Engine) -> int:
    """Rows that wait."""
    with make_readers(engine).begin() as session:
        return session.scalar(select(func.count(PendingNetwork.id))) or 0


def settle(engine: Engine, client: redis.Redis) -> None:
    """Drain and rebuild until there is nothing left to do."""
    with publishing_lock(engine, wait_s=5) as held:
        assert held
        for _ in range(5):
            match drain(engine, client, TODAY):
                case DrainOutcome.NOTHING_LEFT:
                    return
                case DrainOutcome.DISAGREEING:
                    rebuild(engine, client, TODAY)
    pytest.fail("it never settles")


def is_published(households: Households, server: RedisServer, day: datetime.date = TODAY) -> bool:
    """Say whether Redis holds what the database says."""
    with server.client() as client:
        is_there = bool(client.exists(HEAD))
        return is_there and published(client) == households.should_be(day)
