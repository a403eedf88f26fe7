"""Accounts: adding, passwords that the web verifies too, what is let in and what is deleted."""

import datetime
from pathlib import Path

import pytest
from flask import Flask
from flask_security import Security
from flask_security.utils import hash_password as web_hash
from flask_security.utils import verify_password
from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from registry.actions.add_account import add_account
from registry.actions.add_network import add_network
from registry.actions.choose_service_region import choose_service_region
from registry.actions.delete_account import delete_account
from registry.actions.errors import (
    EmailTaken,
    EmailUnusable,
    PasswordCommon,
    PasswordUnusable,
    UnknownAccount,
    UnknownRegion,
    UnknownService,
)
from registry.actions.find_account import find_account
from registry.actions.passwords import hash_password, judge_password
from registry.actions.set_paid_until import set_paid_until
from registry.actions.set_password import set_password
from registry.actions.set_region import set_region
from registry.actions.suspend_account import resume_account, suspend_account
from registry.models import Account, Base, BrowserSession, PendingNetwork, PublishedHead
from smartdns.contract.addresses import parse_network
from zones.catalog import Catalog

NETWORK = parse_network("8.8.8.8")


@pytest.fixture
def anna(sessions: sessionmaker[Session], catalog: Catalog) -> int:
    """An account that holds one network and is signed in somewhere."""
    with sessions.begin() as session:
        number = add_account(session, "anna@example.com", "correct horse", catalog=catalog)
        add_network(session, number, NETWORK)
        day = datetime.date(2030, 1, 31)
        session.add(BrowserSession(id_hash="0" * 64, account_id=number, last_day=day))
        session.execute(delete(PendingNetwork))
        return number


def pending(session: Session) -> list[object]:
    """Networks to be published."""
    return list(session.scalars(select(PendingNetwork.network)))


def test_email_is_normalised_and_unique(
    sessions: sessionmaker[Session], anna: int, catalog: Catalog
) -> None:
    """The same address in another case is the same account, for adding and for finding."""
    with pytest.raises(EmailTaken), sessions.begin() as session:
        add_account(session, " ANNA@Example.com", None, catalog=catalog)
    with sessions.begin() as session:
        assert find_account(session, "Anna@EXAMPLE.com ").id == anna
        with pytest.raises(UnknownAccount):
            find_account(session, "ben@example.com")


@pytest.mark.parametrize("email", ["", "anna", "anna@", "@example.com", "a b@example.com", "a@b"])
def test_unusable_emails_are_refused(
    sessions: sessionmaker[Session], catalog: Catalog, email: str
) -> None:
    """What mail cannot reach is refused without being repeated."""
    with pytest.raises(EmailUnusable), sessions.begin() as session:
        add_account(session, email, None, catalog=catalog)


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


def test_suspending_resuming_and_paying_publish(sessions: sessionmaker[Session], anna: int) -> None:
    """Each of these has the account's networks published anew; suspending also signs out."""
    with sessions.begin() as session:
        suspend_account(session, anna)
    with sessions.begin() as session:
        assert not session.get_one(Account, anna).active
        assert session.scalars(select(BrowserSession)).all() == []
        assert pending(session) == [NETWORK]
        resume_account(session, anna)
        set_paid_until(session, anna, datetime.date(2030, 1, 1))
    with sessions.begin() as session:
        assert session.get_one(Account, anna).active
        assert session.get_one(Account, anna).paid_until == datetime.date(2030, 1, 1)
        assert pending(session) == [NETWORK] * 3


def test_regions_are_checked_against_the_catalogue(
    sessions: sessionmaker[Session], anna: int, catalog: Catalog
) -> None:
    """Unknown regions and services are refused with what there is; known ones are published."""
    with pytest.raises(UnknownRegion, match=r"There are: .*us"), sessions.begin() as session:
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


def test_deleting_leaves_no_row(sessions: sessionmaker[Session], anna: int) -> None:
    """After deletion no table has a row of the account; its network is published."""
    with sessions.begin() as session:
        delete_account(session, anna)
    with sessions.begin() as session:
        assert pending(session) == [NETWORK]
        for table in Base.metadata.sorted_tables:
            if table.name not in {PublishedHead.__tablename__, PendingNetwork.__tablename__}:
                assert session.execute(select(table)).all() == [], table.name
    with pytest.raises(UnknownAccount), sessions.begin() as session:
        delete_account(session, anna)


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_collisions_leave_nothing_in_postgresqls_log(
    engine: Engine, sessions: sessionmaker[Session], anna: int, catalog: Catalog
) -> None:
    """Adding what is there already writes no key into the server's log."""
    for _ in range(2):
        with pytest.raises(EmailTaken), sessions.begin() as session:
            add_account(session, "anna@example.com", None, catalog=catalog)
    with engine.connect() as connection:
        folder = Path(connection.exec_driver_sql("SHOW data_directory").scalar_one())
        # The control: a plain INSERT does write the key there.
        with pytest.raises(IntegrityError):
            connection.execute(
                insert(Account).values(email="anna@example.com", fs_uniquifier="planted")
            )
    written = (folder / "log").read_text(encoding="utf-8")
    assert written.count("(anna@example.com)") == 1
