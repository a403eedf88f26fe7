"""After any history of changes and mishaps, every mirror equals the database."""

import contextlib
import datetime
import ipaddress
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, delete, update
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from twisted.internet.threads import blockingCallFromThread, deferToThread

from registry.database.engine import make_engine, make_sessions
from registry.database.schema import upgrade
from registry.models import Account, PendingNetwork, PublishedHead, SlotKind
from registry.publishing.publisher import COMPARE_HEADS_EVERY_S, POLL_S, Publisher
from smartdns.allowlist.follower import Follower
from smartdns.allowlist.mirror import Mirror
from smartdns.allowlist.redis_feed import RedisFeed
from smartdns.contract.grants import Head
from smartdns.contract.redis_layout import CHANGES, GRANTS, HEAD, decode_head
from tests.peers.redis_server import RedisServer
from tests.profiles import examples
from tests.registry.publishing.households import TODAY, Households
from tests.smartdns.allowlist.by_hand import pause, until

NETWORKS = [
    *(f"192.0.2.{n}/32" for n in range(4)),
    "192.0.2.0/30",
    *(f"2001:db8:0:{n}::/64" for n in range(3)),
    "2001:db8::/48",
]
"""Few, so that households share them and they hold each other."""


class History(RuleBasedStateMachine):
    """People change things, days pass, Redis and its messages misbehave; then all must agree."""

    accounts: Bundle[int] = Bundle("accounts")

    engine: Engine
    redis_server: RedisServer

    def __init__(self) -> None:
        super().__init__()
        with make_sessions(self.engine).begin() as session:
            session.execute(delete(Account))
            session.execute(delete(PendingNetwork))
            session.execute(update(PublishedHead).values(epoch=0, position=0, last_choice=0))
        self.client = redis.Redis(port=self.redis_server.port)  # comes back by itself
        self.client.flushall()
        self.households = Households(self.engine)
        self.day = TODAY
        self.said: list[bytes] = []
        self.former: tuple[dict[Any, Any], bytes] | None = None
        self.highest = Head(0, 0)
        self.publisher = Publisher(self.engine, self.redis_server.url, lambda: self.day)
        self.follower = Follower(Mirror(), RedisFeed(self.redis_server.url))
        blockingCallFromThread(reactor, self.follower.startService)
        self.listener = self.client.pubsub(ignore_subscribe_messages=True)
        self.listener.subscribe(CHANGES)

    def reactor_does(self, work: Callable[..., Coroutine[Any, Any, None]], *args: object) -> None:
        """Wait for a coroutine of the reactor's thread."""
        blockingCallFromThread(reactor, lambda: ensureDeferred(work(*args)))

    def teardown(self) -> None:
        """Let all come to rest, and compare."""
        try:
            self.settle_and_compare()
        finally:
            blockingCallFromThread(reactor, self.follower.stopService)
            self.publisher._redis.close()
            self.listener.close()
            self.client.close()

    @rule(
        target=accounts,
        networks=st.lists(st.sampled_from(NETWORKS), max_size=2, unique=True),
        region=st.sampled_from([None, "us", "gb"]),
        kind=st.sampled_from(SlotKind),
        days=st.none() | st.integers(-1, 2),
    )
    def somebody_comes(
        self, networks: list[str], region: str | None, kind: SlotKind, days: int | None
    ) -> int:
        until_day = None if days is None else self.day + datetime.timedelta(days)
        return self.households.add(*networks, region=region, until=until_day, kind=kind)

    @rule(account=accounts, network=st.sampled_from(NETWORKS), kind=st.sampled_from(SlotKind))
    def registers(self, account: int, network: str, kind: SlotKind) -> None:
        self.households.hold(account, network, kind)

    @rule(account=accounts, network=st.sampled_from(NETWORKS))
    def lets_go(self, account: int, network: str) -> None:
        self.households.let_go(account, network)

    @rule(
        account=accounts,
        column=st.sampled_from(
            [
                ("active", False),
                ("active", True),
                ("confirmed", False),
                ("region", None),
                ("region", "fr"),
                ("paid_until", None),
            ]
        ),
    )
    def is_altered(self, account: int, column: tuple[str, object]) -> None:
        self.households.alter(account, **{column[0]: column[1]})

    @rule(account=consumes(accounts))
    def leaves(self, account: int) -> None:
        self.households.delete(account)

    @rule()
    def a_day_passes(self) -> None:
        self.day += datetime.timedelta(1)

    @rule()
    def the_publisher_turns(self) -> None:
        self.publisher.turn()
        with contextlib.suppress(redis.ConnectionError):
            while message := self.listener.get_message(timeout=0):
                self.said.append(message["data"])

    @rule()
    def redis_is_remembered(self) -> None:
        if (head := self.client.get(HEAD)) is not None:
            self.former = self.client.hgetall(GRANTS), head

    @rule()
    def an_older_redis_takes_over(self) -> None:
        """What a lagging replica holds when it becomes the master."""
        if self.former is not None:
            with self.client.pipeline() as pipe:
                pipe.delete(GRANTS)
                if self.former[0]:
                    pipe.hset(GRANTS, mapping=self.former[0])
                pipe.set(HEAD, self.former[1])
                pipe.execute()

    @rule()
    def redis_is_emptied(self) -> None:
        self.client.flushall()

    @rule(network=st.sampled_from(NETWORKS), text=st.sampled_from(["region=zz", "junk"]))
    def somebody_writes_into_redis(self, network: str, text: str) -> None:
        """It is found as long as it is there, so no older Redis wipes it out unseen."""
        self.client.hset(GRANTS, network, text)
        self.former = None

    @rule(kind=st.sampled_from(["pubsub", "normal"]))
    def connections_break(self, kind: str) -> None:
        """Messages are lost; a scan may be under way."""
        with self.redis_server.client() as killer:
            killer.client_kill_filter(_type=kind, skipme=True)

    @rule(places=st.lists(st.integers(0, 20), max_size=3))
    def messages_come_again_in_any_order(self, places: list[int]) -> None:
        for place in places if self.said else ():
            self.client.publish(CHANGES, self.said[place % len(self.said)])

    @rule()
    def time_passes(self) -> None:
        self.reactor_does(pause, 0.05)

    @invariant()
    def the_mirror_never_goes_back(self) -> None:
        head = self.follower.mirror.head or Head(0, 0)
        assert head >= self.highest
        self.highest = head

    def settle_and_compare(self) -> None:
        """Reconcile fully, wait for the mirror, then ask it about every network."""
        self.publisher._reconciled_on = None
        self.publisher._heads_compared_at = -COMPARE_HEADS_EVERY_S
        while self.publisher.turn() != POLL_S or self.publisher._is_pending():
            assert self.publisher.trouble is None or "Redis" in self.publisher.trouble
        head = decode_head(self.client.get(HEAD))
        mirror = self.follower.mirror
        self.reactor_does(until, lambda: mirror.head == head)
        expected = self.households.should_be(self.day)
        assert mirror.count() == len(expected)
        for network in map(ipaddress.ip_network, NETWORKS):
            address = network.network_address
            holding = [held for held in expected if address in held]
            longest = max(holding, key=lambda held: held.prefixlen, default=None)
            found = mirror.lookup(address.packed, self.day.toordinal())
            assert found == (None if longest is None else expected[longest])


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """The registry's database, once on SQLite and once on PostgreSQL."""
    upgrade(database_url)
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.mark.timeout_s(120)
async def test_after_any_history_the_mirror_equals_the_database(
    engine: Engine, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changes, days, kills, lost and repeated messages, an older and an emptied Redis."""
    for constant in ("COMPARE_EVERY_S", "RECONNECT_EVERY_S", "MESSAGE_WITHIN_S"):
        monkeypatch.setattr(f"smartdns.allowlist.follower.{constant}", 0.05)
    machine = type("HistoryHere", (History,), {"engine": engine, "redis_server": redis_server})
    await deferToThread(
        run_state_machine_as_test,
        machine,
        settings=settings(
            max_examples=examples(12),
            stateful_step_count=25,
            # Shrinking takes minutes, since most failures wait for something in vain.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
