"""Passwords: which are refused, and that the web verifies what a command has set."""

import pytest
from flask import Flask
from flask_security import Security
from flask_security.utils import hash_password as web_hash
from flask_security.utils import verify_password
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from registry.actions.accounts.adding import add_account
from registry.actions.errors import (
    PasswordCommon,
    PasswordUnusable,
)
from registry.actions.sign_in import hash_password, judge_password, set_password
from registry.models import Account, BrowserSession
from zones.catalog import Catalog


@pytest.mark.parametrize("password", ["", "short77", "x" * 1025])
def test_unusable_passwords_are_refused(password: str) -> None:
    """Too short and absurdly long passwords are refused, with the bounds said."""
    with pytest.raises(PasswordUnusable, match="8 to 1024 characters"):
        judge_password(password, "")


@pytest.mark.parametrize(
    "password", ["password", "Sunshine1", "P4ssword", "Password123!", "11111111", "mediastreamer1"]
)
def test_common_passwords_are_refused(password: str) -> None:
    """What is guessed first is refused, however it is decorated, with a way to a better one."""
    with pytest.raises(PasswordCommon, match="three words"):
        judge_password(password, "")


@pytest.mark.parametrize("password", ["anna.larsen", "Anna.Larsen@example.com"])
def test_the_owners_email_is_no_password(
    sessions: sessionmaker[Session], catalog: Catalog, password: str
) -> None:
    """Neither the address nor what stands before its @ will do, at adding and at setting."""
    email = "anna.larsen@example.com"
    with pytest.raises(PasswordCommon), sessions.begin() as session:
        add_account(session, f" {email.upper()}", password, catalog=catalog)
    with sessions.begin() as session:
        number = add_account(session, email, None, catalog=catalog)
        with pytest.raises(PasswordCommon):
            set_password(session, number, password)
    judge_password(password, "other@example.com")


@pytest.mark.parametrize("password", ["correct horse battery", "密码密码密码密码x", "tr0ub4dor&3"])
def test_uncommon_passwords_need_no_composition(password: str) -> None:
    """Words alone will do: nothing is asked for but that it is not a common one."""
    judge_password(password, "")


@pytest.fixture
def web(sessions: sessionmaker[Session]) -> Flask:
    """An application whose Flask-Security hashes as the registry's does."""
    from flask_security import SQLAlchemySessionUserDatastore

    app = Flask(__name__)
    app.config |= {
        "SECRET_KEY": "x" * 32,
        "SECURITY_PASSWORD_SALT": "y" * 32,
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_SINGLE_HASH": ["argon2"],
    }
    store = SQLAlchemySessionUserDatastore(sessions, Account, Account)  # type: ignore[arg-type]
    Security(app, store, register_blueprint=False)
    return app


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "password", ["correct horse", "pass wörd 1", "ﬁne passwords", "密码的密码是密码"]
)
def test_hashes_verify_on_the_web_and_back(web: Flask, password: str) -> None:
    """A password set by command signs in on the page, in any Unicode form, and needs no rehash."""
    from flask_security.proxies import _pwd_context

    with web.app_context():
        security = web.extensions["security"]
        normal = security.password_util.normalize(password)
        hashed = hash_password(password, "")
        assert hashed.startswith("$argon2id$")
        assert verify_password(normal, hashed)
        assert not verify_password(normal + "x", hashed)
        assert not _pwd_context.needs_update(hashed)
        assert web_hash(normal).startswith("$argon2id$")


def test_new_password_signs_out_everywhere(sessions: sessionmaker[Session], anna: int) -> None:
    """After a change of password no session and no mailed link works any more."""
    with sessions.begin() as session:
        before = session.get_one(Account, anna).fs_uniquifier
    with sessions.begin() as session:
        set_password(session, anna, "another password")
    with sessions.begin() as session:
        assert session.get_one(Account, anna).fs_uniquifier != before
        assert session.scalars(select(BrowserSession)).all() == []
