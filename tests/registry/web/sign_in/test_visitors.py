"""How long a browser stays signed in: without a visit, at most, and not after the last word."""

import datetime
from typing import Any

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import TimestampSigner
from sqlalchemy import select, update

from registry.models import Account, BrowserSession
from registry.web.server.application import SESSION_DAYS
from tests.peers.form_client import FormClient
from tests.registry.web.conftest import Visitor

SECRET = "0123456789abcdef" * 3
"""Of `RegistryServer`."""
DAY_S = 86_400


def aged(cookie: str, days: float) -> str:
    """Give the cookie as it would be had it been sent so many days ago."""

    class Earlier(TimestampSigner):
        def get_timestamp(self) -> int:
            return super().get_timestamp() - int(days * DAY_S)

    app = Flask("any")
    app.secret_key = SECRET
    serializer: Any = SecureCookieSessionInterface().get_signing_serializer(app)
    content = serializer.loads(cookie)
    serializer.signer = Earlier
    text: str = serializer.dumps(content)
    return text


def is_signed_in(client: FormClient) -> bool:
    """Say whether DNS Settings opens."""
    return client.get("/").path == "/"


def test_thirty_days_without_a_visit_end_a_session(visitor: Visitor) -> None:
    """A cookie of 29 days is good, one of 31 is not, whatever the browser says of its age."""
    client, _ = visitor.signed_in()
    cookie = client.cookies["session"]
    for days, good in ((SESSION_DAYS - 1, True), (SESSION_DAYS + 1, False)):
        returning = visitor.client()
        returning.cookies["session"] = aged(cookie, days)
        assert is_signed_in(returning) is good


def test_each_visit_begins_the_thirty_days_anew(visitor: Visitor) -> None:
    """Every page hands out a cookie that is fresh again."""
    client, _ = visitor.signed_in()
    client.cookies["session"] = aged(client.cookies["session"], SESSION_DAYS - 1)
    assert is_signed_in(client)
    client.cookies["session"] = aged(client.cookies["session"], 2)
    assert is_signed_in(client)


def test_a_session_ends_however_often_it_is_used(visitor_on_each: Visitor) -> None:
    """Its last day is the end of next month; the day after, a fresh cookie is worth nothing."""
    client, _ = visitor_on_each.signed_in()
    today = datetime.datetime.now(datetime.UTC).date()
    mine = BrowserSession.account_id == visitor_on_each.account_id
    with visitor_on_each.server.sessions.begin() as session:
        last_day = session.scalars(select(BrowserSession.last_day).where(mine)).one()
        assert datetime.timedelta(28) <= last_day - today <= datetime.timedelta(62)
        assert (last_day + datetime.timedelta(1)).day == 1
        session.execute(update(BrowserSession).where(mine).values(last_day=today))
    assert is_signed_in(client)
    with visitor_on_each.server.sessions.begin() as session:
        yesterday = today - datetime.timedelta(1)
        session.execute(update(BrowserSession).where(mine).values(last_day=yesterday))
    assert not is_signed_in(client)
    assert {name.partition("-")[0] for name in client.cookies} <= {"session", "known"}


def test_sign_out_everywhere_ends_copies_of_cookies(visitor_on_each: Visitor) -> None:
    """Three browsers and a stolen cookie are out at once; signing in again brings none back."""
    clients = [visitor_on_each.signed_in()[0] for _ in range(3)]
    thief = visitor_on_each.client()
    thief.cookies.update(clients[1].cookies)
    assert is_signed_in(thief)
    clients[0].submit(clients[0].get("/account").form("Sign out in every browser"))
    visitor_on_each.signed_in()
    assert not any(is_signed_in(one) for one in (*clients, thief))


@pytest.mark.parametrize("change", [{"active": False}, {"fs_uniquifier": "another"}])
def test_what_ends_all_sessions_ends_one_whose_row_is_left(
    visitor: Visitor, change: dict[str, Any]
) -> None:
    """A suspended account and a new identifier sign out by themselves, too."""
    client, _ = visitor.signed_in()
    with visitor.server.sessions.begin() as session:
        mine = Account.id == visitor.account_id
        session.execute(update(Account).where(mine).values(**change))
        rows = select(BrowserSession).where(BrowserSession.account_id == visitor.account_id)
        assert session.scalars(rows).all()
    assert not is_signed_in(client)
