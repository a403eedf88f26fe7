"""Before anything starts: upgrading the schema, and adding the first account."""

import secrets

from cli.state import State
from registry.actions.accounts.adding import add_account
from registry.actions.errors import EmailTaken
from registry.database.engine import make_engine, make_sessions
from registry.database.schema import upgrade
from zones.catalog import Catalog

EMAIL = "owner@example.com"


def upgrade_and_add_owner(state: State, database_url: str, catalog: Catalog) -> str | None:
    """Upgrade the database and add the owner's account; give its password if it is new."""
    upgrade(database_url)
    engine = make_engine(database_url)
    password = secrets.token_urlsafe(15)
    try:
        with make_sessions(engine).begin() as session:
            add_account(session, EMAIL, password, catalog=catalog)
            # Inside the transaction, so that there is never an account with an unknown password.
            state.write("sign-in", f"{EMAIL}\n{password}\n")
    except EmailTaken:
        return None
    finally:
        engine.dispose()
    return password
