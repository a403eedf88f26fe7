"""What an account owner chooses: regions, language, mails, automatic registration."""

from sqlalchemy.orm import Session

from registry.actions.addresses.registrations import renew_choice
from registry.actions.errors import UnknownRegion, UnknownService
from registry.actions.find_account import lock_account
from registry.languages import LANGUAGES
from registry.models import ServiceRegion
from smartdns.contract.grants import OFF
from zones.catalog import Catalog

LONGEST_REPEATED = 40
"""Characters of an unknown name that its refusal repeats."""


def set_region(session: Session, account_id: int, region: str | None, *, catalog: Catalog) -> None:
    """Set the default region; None: the first region of each service."""
    account = lock_account(session, account_id)
    account.region = None if region is None else require_region(catalog, region)
    renew_choice(session, account_id)


def require_region(catalog: Catalog, region: str) -> str:
    """Give the code of a region of the catalogue, or raise UnknownRegion."""
    code = region.strip().lower()
    if code not in catalog.regions:
        raise UnknownRegion(region=_short(region), known=", ".join(sorted(catalog.regions)))
    return code


def choose_service_region(
    session: Session, account_id: int, service: str, region: str | None, *, catalog: Catalog
) -> None:
    """Choose a region for one streaming service, or "off"; None: back to the default region."""
    lock_account(session, account_id)
    known = catalog.services.get(service)
    if known is None:
        raise UnknownService(service=_short(service))
    if region is not None and region not in {*known.regions, OFF}:
        raise UnknownRegion(region=_short(region), known=", ".join([*known.regions, OFF]))
    choice = session.get(ServiceRegion, (account_id, service))
    if region is None:
        if choice is not None:
            session.delete(choice)
    elif choice is None:
        session.add(ServiceRegion(account_id=account_id, service=service, region=region))
    else:
        choice.region = region
    session.flush()
    renew_choice(session, account_id)


def _short(text: str) -> str:
    """Cut a text that is repeated to people: it may be longer than a cookie can be."""
    return text if len(text) <= LONGEST_REPEATED else f"{text[:LONGEST_REPEATED]} …"


def set_automatic_registration(session: Session, account_id: int, *, wanted: bool) -> None:
    """Switch on or off that the page registers the visitor's address without a tap."""
    lock_account(session, account_id).register_automatically = wanted


def set_updater_mails(session: Session, account_id: int, *, wanted: bool) -> None:
    """Switch on or off the mail about an updater that has failed for a day."""
    lock_account(session, account_id).updater_mails = wanted


def set_language(session: Session, account_id: int, language: str) -> None:
    """Set the language of mails to the account; a language that we do not have is ignored."""
    if language in LANGUAGES:
        lock_account(session, account_id).language = language
