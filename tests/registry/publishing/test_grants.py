"""Who is let in, and with whose choice of regions."""

import datetime
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from registry.database.engine import make_readers
from registry.models import SlotKind
from registry.publishing.grants import Holder, grant_texts_after, grants_for, merge_holders
from smartdns.contract.grants import OFF, Profile
from smartdns.contract.redis_layout import decode_profile
from tests.registry.publishing.households import TODAY, Households

HOME = "192.0.2.1/32"
YESTERDAY, TOMORROW = TODAY - datetime.timedelta(1), TODAY + datetime.timedelta(1)


def granted(engine: Engine, network: str = HOME, today: datetime.date = TODAY) -> Profile | None:
    """Desired profile of one network."""
    with make_readers(engine).begin() as session:
        return grants_for(session, [network], today).get(network)


@pytest.mark.parametrize(
    ("until", "is_let_in"), [(None, True), (YESTERDAY, False), (TODAY, True), (TOMORROW, True)]
)
def test_a_paid_account_is_let_in_through_its_last_day(
    engine: Engine, households: Households, until: datetime.date | None, is_let_in: bool
) -> None:
    """The last day counts whole; the day after, the grant is gone by itself."""
    households.add(HOME, until=until)
    profile = granted(engine)
    assert (profile is not None) is is_let_in
    if profile is not None:
        assert profile.last_day == (until and until.toordinal())


@pytest.mark.parametrize("column", ["active", "confirmed"])
def test_a_suspended_or_unconfirmed_account_is_not_let_in(
    engine: Engine, households: Households, column: str
) -> None:
    """Its registrations stay and count for nothing until it is resumed."""
    account = households.add(HOME)
    households.alter(account, **{column: False})
    assert granted(engine) is None
    households.alter(account, **{column: True})
    assert granted(engine) == Profile()


def test_only_what_differs_from_the_default_is_said(engine: Engine, households: Households) -> None:
    """A choice that equals the default region is not repeated for the service."""
    households.add(HOME, region="us", services={"netflix": "gb", "hulu": "us", "dazn": OFF})
    assert granted(engine) == Profile("us", {"netflix": "gb", "dazn": OFF})


def test_flat_mates_share_and_the_newest_choice_supplies_the_regions(
    engine: Engine, households: Households
) -> None:
    """Let in while anybody is, for as long as anybody is, steered as the newest chose."""
    households.add(HOME, region="us", until=TOMORROW)
    newest = households.add(HOME, region="gb", until=TODAY, services={"netflix": OFF})
    assert granted(engine) == Profile("gb", {"netflix": OFF}, TOMORROW.toordinal())
    assert granted(engine, today=TOMORROW) == Profile("us", {}, TOMORROW.toordinal())
    households.delete(newest)
    assert granted(engine) == Profile("us", {}, TOMORROW.toordinal())


def test_a_claim_never_overrides_a_proved_registration(
    engine: Engine, households: Households
) -> None:
    """A DDNS name, however new, takes no region from anybody who asked from there."""
    households.add(HOME, region="us", kind=SlotKind.UPDATER)
    households.add(HOME, region="gb", kind=SlotKind.HOSTNAME)
    assert granted(engine) == Profile("us")


@pytest.mark.parametrize("kind", [SlotKind.PAGE, SlotKind.UPDATER, SlotKind.OPERATOR])
def test_a_claim_alone_is_marked_until_it_is_proved(
    engine: Engine, households: Households, kind: SlotKind
) -> None:
    """Claimed only as long as nobody has proved the network."""
    account = households.add(HOME, kind=SlotKind.HOSTNAME)
    assert granted(engine) == Profile(claimed=True)
    households.hold(account, HOME, kind)
    assert granted(engine) == Profile()


HOLDERS = st.lists(
    st.builds(
        Holder,
        account_id=st.integers(1, 4),
        choice=st.integers(1, 100),
        proved=st.booleans(),
        region=st.sampled_from([None, "us"]),
        paid_until=st.none() | st.dates(TODAY, TOMORROW),
    ),
    min_size=1,
)


@given(HOLDERS)
def test_together_for_any_holders(holders: list[Holder]) -> None:
    """Nobody proved is newer than who supplies, no claim supplies beside a proof; the last end."""
    one = merge_holders(holders)
    counting = [holder for holder in holders if holder.proved] or holders
    assert one._replace(paid_until=None) in [h._replace(paid_until=None) for h in counting]
    assert all(one.choice >= holder.choice for holder in counting)
    assert (one.paid_until is None) == any(holder.paid_until is None for holder in holders)
    assert all(one.paid_until is None or h.paid_until <= one.paid_until for h in holders)  # type: ignore[operator]


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_walking_meets_every_network_once(
    engine: Engine, households: Households, most: int
) -> None:
    """In steps of any size the walk gives what is asked for one by one, and ends."""
    for number in range(5):
        households.add(f"192.0.2.{number}/32", f"2001:db8:{number}::/64", region="us")
    households.add("192.0.2.3/32", region="gb")
    households.add("192.0.2.77/32", until=YESTERDAY)
    walked: dict[str, Profile] = {}
    place: str | None = ""
    while place is not None:
        with make_readers(engine).begin() as session:
            texts, place = grant_texts_after(session, place, most, TODAY)
        assert not texts.keys() & walked.keys()
        walked |= {network: decode_profile(text) for network, text in texts.items()}
    expected = households.should_be(TODAY)
    assert {ipaddress.ip_network(network): walked[network] for network in walked} == expected
