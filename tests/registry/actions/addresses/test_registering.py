"""What the page's button, removal and undo do to slots, grants' networks and choices."""

import ipaddress

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker

from registry.actions.accounts.adding import add_account
from registry.actions.addresses.by_operator import add_network, remove_network
from registry.actions.addresses.registering import register_address
from registry.actions.addresses.registrations import networks_of
from registry.actions.addresses.removing import (
    Removed,
    forget_all_addresses,
    remove_address,
    restore_address,
)
from registry.actions.addresses.rules import AddressRules
from registry.actions.errors import AddressRefused, SlotsFull, UnknownAccount, UnknownSlot
from registry.actions.preferences import set_region
from registry.actions.updaters.tokens import issue_token
from registry.models import Account, PendingNetwork, Registration, Slot, SlotKind
from smartdns.contract.addresses import parse_address, parse_network
from zones.catalog import Catalog

RULES = AddressRules(slot_limit=3)


@pytest.fixture
def anna(sessions: sessionmaker[Session], catalog: Catalog) -> int:
    """An account."""
    with sessions.begin() as session:
        return add_account(session, "anna@example.com", None, catalog=catalog)


@pytest.fixture
def ben(sessions: sessionmaker[Session], catalog: Catalog) -> int:
    """Another account."""
    with sessions.begin() as session:
        return add_account(session, "ben@example.com", None, catalog=catalog)


def register(
    sessions: sessionmaker[Session], account: int, address: str, slot: object = None
) -> bool:
    """Press the button; say whether it changed anything."""
    with sessions.begin() as session:
        done = register_address(
            session,
            account,
            parse_address(address),
            rules=RULES,
            slot=slot,  # type: ignore[arg-type]
        )
        return done.changed


def pending(sessions: sessionmaker[Session]) -> set[str]:
    """Networks to be published, taken away."""
    with sessions.begin() as session:
        networks = {str(network) for network in session.scalars(select(PendingNetwork.network))}
        session.execute(delete(PendingNetwork))
        return networks


def held(sessions: sessionmaker[Session], account: int) -> list[str]:
    """Networks that the account holds."""
    with sessions.begin() as session:
        return sorted(str(network) for network in networks_of(session, account))


def test_new_address_replaces_the_slots_former_one(
    sessions: sessionmaker[Session], anna: int
) -> None:
    """Both networks are published, the former one is remembered nowhere, the slot stays one."""
    assert register(sessions, anna, "8.8.8.8")
    assert pending(sessions) == {"8.8.8.8/32"}
    assert register(sessions, anna, "9.9.9.9")
    assert pending(sessions) == {"8.8.8.8/32", "9.9.9.9/32"}
    assert held(sessions, anna) == ["9.9.9.9/32"]


def test_families_stand_side_by_side(sessions: sessionmaker[Session], anna: int) -> None:
    """A slot holds one address of each family; IPv6 as the household's prefix."""
    register(sessions, anna, "8.8.8.8")
    register(sessions, anna, "2a00:1450:1:2:3:4:5:6")
    assert held(sessions, anna) == ["2a00:1450:1:2::/64", "8.8.8.8/32"]


def test_pressing_again_changes_nothing(sessions: sessionmaker[Session], anna: int) -> None:
    """The same address again is no change, and nothing is published."""
    register(sessions, anna, "8.8.8.8")
    pending(sessions)
    assert not register(sessions, anna, "8.8.8.8")
    assert not register(sessions, anna, "8.8.8.8", "new")
    assert pending(sessions) == set()


def test_refused_address_leaves_everything(sessions: sessionmaker[Session], anna: int) -> None:
    """A private address on a public installation is refused before anything is touched."""
    register(sessions, anna, "8.8.8.8")
    pending(sessions)
    with pytest.raises(AddressRefused):
        register(sessions, anna, "192.168.1.2")
    assert held(sessions, anna) == ["8.8.8.8/32"]
    assert pending(sessions) == set()


def test_more_places_up_to_the_limit(sessions: sessionmaker[Session], anna: int) -> None:
    """Further homes take further slots; at the limit the refusal says so, or one is replaced."""
    for place, address in enumerate(["8.8.8.1", "8.8.8.2", "8.8.8.3"]):
        register(sessions, anna, address, "new" if place else None)
    with pytest.raises(SlotsFull, match="All 3 places"):
        register(sessions, anna, "8.8.8.4", "new")
    register(sessions, anna, "8.8.8.5", 2)
    assert held(sessions, anna) == ["8.8.8.1/32", "8.8.8.3/32", "8.8.8.5/32"]


def test_an_updaters_place_is_not_the_pages_to_replace(
    sessions: sessionmaker[Session], anna: int
) -> None:
    """The page cannot put its address where a router would put its own back."""
    with sessions.begin() as session:
        token = issue_token(session, anna, limit=3)
    with pytest.raises(UnknownSlot):
        register(sessions, anna, "8.8.8.8", token.number)


def test_limit_lowered_later_counts_what_is_there(
    sessions: sessionmaker[Session], anna: int
) -> None:
    """With five slots and a limit of three none is opened, though a low number may be free."""
    for _ in range(5):
        with sessions.begin() as session:
            issue_token(session, anna, limit=5)
    with sessions.begin() as session:
        session.execute(delete(Slot).where(Slot.number == 1))
    with pytest.raises(SlotsFull):
        register(sessions, anna, "8.8.8.8")


def test_two_accounts_on_one_address(sessions: sessionmaker[Session], anna: int, ben: int) -> None:
    """Flat-mates both hold it; who presses last has the newest choice; one leaving is published."""
    register(sessions, anna, "8.8.8.8")
    register(sessions, ben, "8.8.8.8")
    assert newest(sessions) == ben
    pending(sessions)
    assert not register(sessions, anna, "8.8.8.8")
    assert newest(sessions) == anna
    assert pending(sessions) == {"8.8.8.8/32"}
    with sessions.begin() as session:
        forget_all_addresses(session, anna)
    assert held(sessions, ben) == ["8.8.8.8/32"]
    assert pending(sessions) == {"8.8.8.8/32"}


def test_choosing_a_region_is_the_newest_choice(
    sessions: sessionmaker[Session], anna: int, ben: int, catalog: Catalog
) -> None:
    """Who chooses a region after a flat-mate did gets it on the address that they share."""
    register(sessions, anna, "8.8.8.8")
    register(sessions, ben, "8.8.8.8")
    with sessions.begin() as session:
        set_region(session, anna, "us", catalog=catalog)
    assert newest(sessions) == anna


def newest(sessions: sessionmaker[Session]) -> int:
    """Account of the registration with the highest choice."""
    with sessions.begin() as session:
        query = select(Slot.account_id).join(Registration).order_by(Registration.choice.desc())
        return session.scalars(query).first() or 0


def test_removal_and_undo(sessions: sessionmaker[Session], anna: int) -> None:
    """Removing publishes the network and frees the slot; undoing brings the address back."""
    register(sessions, anna, "8.8.8.8")
    pending(sessions)
    with sessions.begin() as session:
        registration = session.scalars(select(Registration.id)).one()
        removed = remove_address(session, anna, registration)
    assert held(sessions, anna) == []
    assert pending(sessions) == {"8.8.8.8/32"}
    with sessions.begin() as session:
        assert session.scalars(select(Slot)).all() == []
        restore_address(session, anna, removed, limit=3)
    assert held(sessions, anna) == ["8.8.8.8/32"]
    assert pending(sessions) == {"8.8.8.8/32"}


def test_an_undo_never_reaches_into_another_accounts_slot(
    sessions: sessionmaker[Session], anna: int, ben: int
) -> None:
    """Whatever slot it says it came from, the address comes back to who undoes."""
    register(sessions, anna, "8.8.8.8")
    with sessions.begin() as session:
        slot = session.scalars(select(Slot.id)).one()
        removed = Removed(parse_network("9.9.9.9"), SlotKind.PAGE, slot)
        restore_address(session, ben, removed, limit=3)
    assert (held(sessions, anna), held(sessions, ben)) == (["8.8.8.8/32"], ["9.9.9.9/32"])


def test_nobody_removes_what_another_account_holds(
    sessions: sessionmaker[Session], anna: int, ben: int
) -> None:
    """A registration's number of somebody else is unknown, not forbidden."""
    register(sessions, anna, "8.8.8.8")
    with sessions.begin() as session:
        registration = session.scalars(select(Registration.id)).one()
    with pytest.raises(UnknownSlot), sessions.begin() as session:
        remove_address(session, ben, registration)
    assert held(sessions, anna) == ["8.8.8.8/32"]


def test_forgetting_everything_stops_updaters_too(
    sessions: sessionmaker[Session], anna: int
) -> None:
    """Off means off: addresses, tokens and automatic registration are gone, and published."""
    register(sessions, anna, "8.8.8.8")
    with sessions.begin() as session:
        issue_token(session, anna, limit=3)
        add_network(session, anna, parse_network("9.9.9.0/24"))
        session.get_one(Account, anna).register_automatically = True
    pending(sessions)
    with sessions.begin() as session:
        forget_all_addresses(session, anna)
        assert session.scalars(select(Slot)).all() == []
        assert session.scalars(select(Registration)).all() == []
        assert not session.get_one(Account, anna).register_automatically
    assert pending(sessions) == {"8.8.8.8/32", "9.9.9.0/24"}


def test_operators_networks_are_outside_the_limit(
    sessions: sessionmaker[Session], anna: int
) -> None:
    """Ten networks typed by hand leave the page its slots; typing one again adds nothing."""
    networks = [ipaddress.ip_network(f"9.9.{n}.0/24") for n in range(10)]
    for network in [*networks, networks[0]]:
        with sessions.begin() as session:
            added = add_network(session, anna, network)
    assert not added
    register(sessions, anna, "8.8.8.8")
    assert len(held(sessions, anna)) == 11
    with sessions.begin() as session:
        remove_network(session, anna, networks[3])
        kinds = [slot.kind for slot in session.scalars(select(Slot))]
    assert kinds.count(SlotKind.OPERATOR) == 9
    with pytest.raises(UnknownSlot), sessions.begin() as session:
        remove_network(session, anna, networks[3])


def test_unknown_account_is_refused(sessions: sessionmaker[Session]) -> None:
    """An account that was deleted meanwhile is a refusal, not a fault."""
    with pytest.raises(UnknownAccount):
        register(sessions, 4711, "8.8.8.8")
