"""Before anything runs: the schema of this version, and somebody who can sign in."""

import secrets

from cli.state import State
from registry.actions.accounts.adding import add_account
from registry.actions.errors import EmailTaken
from registry.database.engine import make_engine, make_sessions
from registry.database.schema import upgrade
from zones.catalog import Catalog

EMAIL = "owner@example.com"


def upgrade_and_add_owner(state: State, database_url: str, catalog: Catalog) -> str | None:
    """Upgrade the database under its lock; give the owner's password if the account is new."""
    upgrade(database_url)
    engine = make_engine(database_url)
    password = secrets.token_urlsafe(15)
    try:
        with make_sessions(engine).begin() as session:
            add_account(session, EMAIL, password, catalog=catalog)
            # Inside the transaction: there is no account whose password nobody knows.
            state.write("sign-in", f"{EMAIL}\n{password}\n")
    except EmailTaken:
        return None
    finally:
        engine.dispose()
    return password
