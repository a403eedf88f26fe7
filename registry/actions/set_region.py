from sqlalchemy.orm import Session

from registry.actions.errors import UnknownRegion
from registry.actions.find_account import lock_account
from registry.actions.registrations import choose_anew
from zones.catalog import Catalog


def set_region(session: Session, account_id: int, region: str | None, *, catalog: Catalog) -> None:
    """Set the default region; None: each service's first."""
    account = lock_account(session, account_id)
    account.region = None if region is None else require_region(catalog, region)
    choose_anew(session, account_id)


def require_region(catalog: Catalog, region: str) -> str:
    """Give the code of a region that the catalogue knows."""
    code = region.strip().lower()
    if code not in catalog.regions:
        raise UnknownRegion(region=region, known=", ".join(sorted(catalog.regions)))
    return code
