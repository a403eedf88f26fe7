"""The household of the audit: it is let in during the audit, then deleted like any other."""

import contextlib
import secrets
import time
from collections.abc import Iterator

from cli.audit.canaries import Canaries
from cli.registry_access import Registry
from registry.actions.accounts.adding import add_account
from registry.actions.accounts.lifecycle import delete_account
from registry.actions.addresses.by_operator import add_network
from registry.database.erasure import overwrite_deleted
from registry.models import PendingNetwork
from smartdns.contract.addresses import parse_network

HOUSEHOLD = "address of a household"
_PUBLISHED_WITHIN_S = 10.0


@contextlib.contextmanager
def household(registry: Registry, canaries: Canaries) -> Iterator[str]:
    """Add an account with an address that is let in, and give the address.

    The address and the account's e-mail address are canaries. At the end the account is deleted;
    after that nothing of them must be left.
    """
    address = canaries.address(HOUSEHOLD)
    email = f"{secrets.token_hex(12)}@example.com"
    canaries.sent[email] = "e-mail address of an account"
    with registry.sessions.begin() as session:
        account_id = add_account(session, email, None, catalog=registry.catalog)
        add_network(session, account_id, parse_network(address))
    try:
        _wait_until_published(registry)
        yield address
    finally:
        with registry.sessions.begin() as session:
            delete_account(session, account_id)
        _wait_until_published(registry)
        overwrite_deleted(registry.engine)


def _wait_until_published(registry: Registry) -> None:
    """Wait until nothing is pending, and give the mirrors a second to receive it."""
    end = time.monotonic() + _PUBLISHED_WITHIN_S
    while time.monotonic() < end:
        with registry.readers.begin() as session:
            if session.query(PendingNetwork).first() is None:
                break
        time.sleep(0.1)
    time.sleep(1.5)
