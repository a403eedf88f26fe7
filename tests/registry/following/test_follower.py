"""Following a real name server's answers into the database."""

import datetime
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.query
import dns.rcode
import dns.update
import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker
from twisted.internet.threads import deferToThread

from registry.actions.accounts.adding import add_account
from registry.actions.addresses.registering import register_address
from registry.actions.addresses.rules import AddressRules
from registry.actions.errors import HostnameUnusable, SlotsFull
from registry.actions.updaters.hostnames import follow_hostname
from registry.database.engine import make_readers
from registry.following import follower as follower_module
from registry.following.follower import HostnameFollower
from registry.following.lookup import look_up
from registry.models import PendingNetwork, Registration, Slot
from registry.publishing.grants import grants_for
from smartdns.contract.addresses import SocketAddress, parse_address, parse_socket_address
from tests.peers.name_server import NameServer
from tests.peers.waiting import wait_until
from zones.catalog import Catalog

pytestmark = pytest.mark.processes

ZONES = {
    ".": "@ 300 SOA ns root.ns 1 3600 600 86400 60\n@ 300 NS ns\nns 300 A 127.0.0.1",
    # NameServer waits for this one.
    "example.com": "@ 300 SOA ns h 1 3600 600 86400 60\n@ 300 NS ns\nns 300 A 8.8.8.8\n"
    "www 300 A 8.8.8.8",
    "example.net": "@ 300 SOA ns h 1 3600 600 86400 60\n@ 300 NS ns\nns 300 A 8.8.8.8\n"
    "alias 60 CNAME home\n"
    "loop 60 CNAME pool\npool 60 CNAME loop\n"
    + "\n".join(f"chain{n} 60 CNAME chain{n + 1}" for n in range(20))
    + "\nchain20 60 A 8.8.4.4",
}
RULES = AddressRules(slot_limit=2)
HOME = "home.example.net"
TODAY = datetime.date(2030, 6, 1)


@pytest.fixture(scope="session")
def dynamic_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NameServer]:
    """A BIND whose records are changed as a DDNS provider changes them (RFC 2136)."""
    server = NameServer(tmp_path_factory.mktemp("named"), ZONES)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def name_server(dynamic_server: NameServer) -> NameServer:
    """The same with nothing at HOME."""
    points_to(dynamic_server)
    return dynamic_server


def points_to(server: NameServer, **records: str) -> None:
    """Let HOME have these records and no others: `A=…`, `AAAA=…`."""
    update = dns.update.UpdateMessage("example.net")
    update.delete("home")
    for kind, addresses in records.items():
        for address in addresses.split():
            update.add("home", 1, kind, address)
    reply = dns.query.tcp(update, server.host, port=server.port, timeout=60)
    assert reply.rcode() == dns.rcode.NOERROR


@pytest.fixture
def following(
    sessions: sessionmaker[Session], name_server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> HostnameFollower:
    """A follower to be turned by hand, on TODAY."""
    monkeypatch.setattr(follower_module, "utc_today", lambda: TODAY)
    return make_follower(sessions, name_server)


def address_of(server: NameServer) -> SocketAddress:
    """Where to ask it."""
    return SocketAddress(parse_address(server.host), server.port)


def make_follower(
    sessions: sessionmaker[Session], server: NameServer, *, following: bool = True
) -> HostnameFollower:
    """Give a follower that asks `server`."""
    return HostnameFollower(
        sessions,
        make_readers(sessions.kw["bind"]),
        RULES,
        following=following,
        name_servers=lambda: [address_of(server)],
    )


@pytest.fixture
def anna(sessions: sessionmaker[Session], catalog: Catalog) -> int:
    """An account."""
    with sessions.begin() as session:
        return add_account(session, "anna@example.com", None, catalog=catalog, region="us")


def follow(
    sessions: sessionmaker[Session], server: NameServer, account: int, sender: str, name: str = HOME
) -> int:
    """Add a name from the page, asked for from `sender`."""
    answers = look_up([address_of(server)], name)
    with sessions.begin() as session:
        return follow_hostname(
            session, account, name, answers=answers, senders=[parse_address(sender)], rules=RULES
        )


def held(sessions: sessionmaker[Session]) -> list[str]:
    """All networks that are registered."""
    with sessions.begin() as session:
        return sorted(str(network) for network in session.scalars(select(Registration.network)))


@contextmanager
def published(sessions: sessionmaker[Session]) -> Iterator[set[str]]:
    """Collect what the block has published."""
    networks: set[str] = set()
    with sessions.begin() as session:
        session.execute(delete(PendingNetwork))
    yield networks
    with sessions.begin() as session:
        networks.update(str(network) for network in session.scalars(select(PendingNetwork.network)))


def test_name_is_followed_from_address_to_address(
    sessions: sessionmaker[Session], name_server: NameServer, anna: int, following: HostnameFollower
) -> None:
    """When the record changes both networks are published and the slot holds the new one."""
    points_to(name_server, A="8.8.8.8")
    assert follow(sessions, name_server, anna, "8.8.8.8") == 1
    assert held(sessions) == ["8.8.8.8/32"]
    points_to(name_server, A="9.9.9.9", AAAA="2a00:1450::7")
    with published(sessions) as networks:
        following.turn()
    assert held(sessions) == ["2a00:1450::/64", "9.9.9.9/32"]
    assert networks == {"8.8.8.8/32", "9.9.9.9/32", "2a00:1450::/64"}
    with published(sessions) as networks:
        following.turn()
    assert networks == set()
    points_to(name_server, A="9.9.9.9")
    following.turn()
    assert held(sessions) == ["9.9.9.9/32"]


def test_name_must_lead_to_where_the_request_came_from(
    sessions: sessionmaker[Session], name_server: NameServer, anna: int
) -> None:
    """Nobody adds a name that leads elsewhere, to a private address, or nowhere."""
    for records, reason in [
        ({"A": "9.9.9.9"}, "where you are now"),
        ({"A": "8.8.8.8", "AAAA": "2a00:1450::7"}, "where you are now"),
        ({"A": "192.168.1.1"}, "no name server knows"),
        ({}, "no name server knows"),
    ]:
        points_to(name_server, **records)
        with pytest.raises(HostnameUnusable, match=reason):
            follow(sessions, name_server, anna, "8.8.8.8")
    assert held(sessions) == []


def test_aliases_are_followed_and_bounded(
    sessions: sessionmaker[Session], name_server: NameServer, anna: int
) -> None:
    """A CNAME is followed; a loop and an endless chain lead nowhere."""
    points_to(name_server, A="8.8.8.8")
    follow(sessions, name_server, anna, "8.8.8.8", "alias.example.net")
    assert held(sessions) == ["8.8.8.8/32"]
    for name in ("loop.example.net", "chain0.example.net"):
        with pytest.raises(HostnameUnusable):
            follow(sessions, name_server, anna, "8.8.4.4", name)


def test_a_name_counts_against_the_limit_and_once(
    sessions: sessionmaker[Session], name_server: NameServer, anna: int
) -> None:
    """The same name twice is refused; further slots only up to the limit."""
    points_to(name_server, A="8.8.8.8")
    follow(sessions, name_server, anna, "8.8.8.8")
    with pytest.raises(HostnameUnusable, match="already"):
        follow(sessions, name_server, anna, "8.8.8.8")
    follow(sessions, name_server, anna, "8.8.8.8", "alias.example.net")
    with pytest.raises(SlotsFull):
        follow(sessions, name_server, anna, "8.8.8.8", "www.example.com")


def test_private_answer_later_is_a_failure(
    sessions: sessionmaker[Session], name_server: NameServer, anna: int, following: HostnameFollower
) -> None:
    """A name that turns to a private address keeps what it had a while, and registers nothing."""
    points_to(name_server, A="8.8.8.8")
    follow(sessions, name_server, anna, "8.8.8.8")
    points_to(name_server, A="127.0.0.1")
    following.turn()
    assert held(sessions) == ["8.8.8.8/32"]
    with sessions.begin() as session:
        assert session.scalars(select(Slot.failing_since)).one() == TODAY


def test_failing_name_keeps_its_address_for_two_days(
    sessions: sessionmaker[Session],
    name_server: NameServer,
    anna: int,
    following: HostnameFollower,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On the third day after the first failure the address goes; a recovery forgets the day."""
    points_to(name_server, A="8.8.8.8")
    follow(sessions, name_server, anna, "8.8.8.8")
    points_to(name_server)
    for days, networks in [(0, 1), (2, 1), (3, 0)]:
        day = TODAY + datetime.timedelta(days=days)
        monkeypatch.setattr(follower_module, "utc_today", lambda day=day: day)
        with published(sessions) as gone:
            following.turn()
        assert len(held(sessions)) == networks, days
    assert gone == {"8.8.8.8/32"}, "or it would be let in on"
    points_to(name_server, A="8.8.8.8")
    following.turn()
    assert held(sessions) == ["8.8.8.8/32"]
    with sessions.begin() as session:
        assert session.scalars(select(Slot.failing_since)).one() is None


def test_unreachable_name_servers_change_nothing(
    sessions: sessionmaker[Session],
    name_server: NameServer,
    anna: int,
    following: HostnameFollower,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No answer at all is not the answer that there is none."""
    points_to(name_server, A="8.8.8.8")
    follow(sessions, name_server, anna, "8.8.8.8")
    monkeypatch.setattr("registry.following.lookup.WITHIN_S", 0.2)
    monkeypatch.setattr(following, "_name_servers", lambda: [parse_socket_address("127.0.0.1:1")])
    following.turn()
    assert held(sessions) == ["8.8.8.8/32"]


def test_a_fault_in_following_one_name_is_said(
    sessions: sessionmaker[Session],
    name_server: NameServer,
    anna: int,
    following: HostnameFollower,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """By its kind, without the name; what is held stays."""
    points_to(name_server, A="8.8.8.8")
    follow(sessions, name_server, anna, "8.8.8.8")

    def fail(*_: object) -> None:
        raise KeyError(HOME)

    monkeypatch.setattr(follower_module, "look_up", fail)
    following.turn()
    assert "a name could not be followed: KeyError" in caplog.text
    assert HOME not in caplog.text
    assert held(sessions) == ["8.8.8.8/32"]


def test_claim_never_overrides_a_proved_region(
    sessions: sessionmaker[Session], name_server: NameServer, anna: int, catalog: Catalog
) -> None:
    """Who claims a neighbour's address later than its proof changes nothing about its region."""
    with sessions.begin() as session:
        ben = add_account(session, "ben@example.com", None, catalog=catalog, region="gb")
        register_address(session, ben, parse_address("8.8.8.8"), rules=RULES)
    points_to(name_server, A="8.8.8.8")
    follow(sessions, name_server, anna, "8.8.8.8")
    with sessions.begin() as session:
        profile = grants_for(session, ["8.8.8.8/32"], TODAY)["8.8.8.8/32"]
        assert (profile.region, profile.claimed) == ("gb", False)
        session.execute(delete(Slot).where(Slot.account_id == ben))
        profile = grants_for(session, ["8.8.8.8/32"], TODAY)["8.8.8.8/32"]
        assert (profile.region, profile.claimed) == ("us", True)


def test_claims_go_when_the_operator_forbids_them(
    sessions: sessionmaker[Session], name_server: NameServer, anna: int
) -> None:
    """With the setting off nothing is asked, and what was claimed is taken back and published."""
    points_to(name_server, A="8.8.8.8")
    follow(sessions, name_server, anna, "8.8.8.8")
    with published(sessions) as networks:
        make_follower(sessions, name_server, following=False).turn()
    assert held(sessions) == []
    assert networks == {"8.8.8.8/32"}


async def test_service_turns_and_stops(
    sessions: sessionmaker[Session], name_server: NameServer, anna: int
) -> None:
    """As a Service it follows at once after its start, and its stop leaves no thread."""
    points_to(name_server, A="8.8.8.8")
    follow(sessions, name_server, anna, "8.8.8.8")
    points_to(name_server, A="9.9.9.9")
    service = make_follower(sessions, name_server)
    service.startService()
    await deferToThread(wait_until, lambda: held(sessions) == ["9.9.9.9/32"])
    await service.stopService()
    assert not any(thread.name == "follower" for thread in threading.enumerate())
