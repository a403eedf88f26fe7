from sqlalchemy.orm import Session

from registry.actions.errors import UnknownRegion, UnknownService
from registry.actions.find_account import lock_account
from registry.actions.registrations import choose_anew
from registry.models import ServiceRegion
from smartdns.contract.grants import OFF
from zones.catalog import Catalog


def choose_service_region(
    session: Session, account_id: int, service: str, region: str | None, *, catalog: Catalog
) -> None:
    """Choose a region for one streaming service, or "off"; None: as the default says."""
    lock_account(session, account_id)
    known = catalog.services.get(service)
    if known is None:
        raise UnknownService(service=service)
    if region is not None and region not in {*known.regions, OFF}:
        raise UnknownRegion(region=region, known=", ".join([*known.regions, OFF]))
    choice = session.get(ServiceRegion, (account_id, service))
    if region is None:
        if choice is not None:
            session.delete(choice)
    elif choice is None:
        session.add(ServiceRegion(account_id=account_id, service=service, region=region))
    else:
        choice.region = region
    session.flush()
    choose_anew(session, account_id)
