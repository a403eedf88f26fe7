import pytest
from sqlalchemy.orm import Session, sessionmaker

from registry.actions.errors import (
    UnknownRegion,
    UnknownService,
)
from registry.actions.preferences import choose_service_region, set_region
from registry.models import Account
from tests.registry.actions.registered import NETWORK, pending
from zones.catalog import Catalog


def test_regions_are_checked_against_the_catalogue(
    sessions: sessionmaker[Session], anna: int, catalog: Catalog
) -> None:
    """Unknown regions and services are refused with what there is; known ones are published."""
    with pytest.raises(UnknownRegion, match=r"Choose one of: .*us"), sessions.begin() as session:
        set_region(session, anna, "xx", catalog=catalog)
    with pytest.raises(UnknownService), sessions.begin() as session:
        choose_service_region(session, anna, "nonesuch", "us", catalog=catalog)
    with pytest.raises(UnknownRegion, match="off"), sessions.begin() as session:
        choose_service_region(session, anna, "netflix", "xx", catalog=catalog)
    with sessions.begin() as session:
        assert pending(session) == []
        set_region(session, anna, "US", catalog=catalog)
        assert session.get_one(Account, anna).region == "us"
        assert pending(session) == [NETWORK]


def test_a_services_region_is_chosen_changed_and_dropped(
    sessions: sessionmaker[Session], anna: int, catalog: Catalog
) -> None:
    """A choice for one service is kept once, may be off, and None goes back to the default."""
    for region in [catalog.services["netflix"].regions[0], "off", None, None]:
        with sessions.begin() as session:
            choose_service_region(session, anna, "netflix", region, catalog=catalog)
        with sessions.begin() as session:
            chosen = session.get_one(Account, anna).service_regions
            assert [choice.region for choice in chosen] == ([] if region is None else [region])
