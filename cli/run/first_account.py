"""Before the registry of an `up` starts: upgrading the schema, and adding the first account."""

import contextlib
import secrets

from sqlalchemy import select

from cli.run.installation import OWNER, SIGN_IN
from cli.state import State
from registry.actions.accounts.adding import add_account
from registry.actions.errors import EmailTaken
from registry.database.engine import make_engine, make_readers, make_sessions
from registry.database.schema import upgrade
from registry.models import Account
from registry.settings import RegistrySettings
from zones.load import catalog_of


def upgrade_and_add_owner(state: State, settings: RegistrySettings) -> None:
    """Upgrade the database, and add the owner's account if it is not there.

    Its password is written to the file `sign-in` in the state folder.
    """
    upgrade(settings.database_url)
    engine = make_engine(settings.database_url)
    try:
        with make_readers(engine)() as session:
            if session.scalar(select(Account.id).where(Account.email == OWNER)) is not None:
                return
        with contextlib.suppress(EmailTaken), make_sessions(engine).begin() as session:
            password = secrets.token_urlsafe(15)
            add_account(session, OWNER, password, catalog=catalog_of(settings.zones))
            # Inside the transaction, so that there is never an account with an unknown password.
            state.write(SIGN_IN, f"{OWNER}\n{password}\n")
    finally:
        engine.dispose()
