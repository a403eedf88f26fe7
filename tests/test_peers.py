"""The peers themselves: a test that runs on nothing proves nothing."""

from sqlalchemy import create_engine, text

from tests.peers.redis_server import RedisServer


def test_redis_is_real_and_keeps_nothing_on_disk(redis_server: RedisServer) -> None:
    """Its settings are those of the product: nothing outlives the process."""
    with redis_server.client() as client:
        assert client.config_get("save")["save"] == ""
        assert client.config_get("appendonly")["appendonly"] == "no"


def test_both_databases_are_real(database_url: str) -> None:
    """SQLite and PostgreSQL each answer a statement."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    engine.dispose()


async def test_an_async_test_really_runs() -> None:
    """The reactor turns while it waits."""
    from twisted.internet import reactor
    from twisted.internet.task import deferLater

    assert await deferLater(reactor, 0, lambda: 42) == 42
