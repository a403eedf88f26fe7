"""Password, everything we hold, signing out everywhere, and leaving."""

import json

import pytest
from sqlalchemy import select

from registry.models import Account, BrowserSession
from tests.peers.redis_server import RedisServer
from tests.peers.registry_server import PASSWORD
from tests.peers.waiting import wait_until
from tests.registry.web.conftest import StartServer, Visitor, visitor_of

BUTTON = "Register my IP address"
NEW_PASSWORD = "another long password"


def test_changing_the_password_ends_every_other_session(visitor_on_each: Visitor) -> None:
    """It asks for the present one; other browsers are out, this one stays, only the new works."""
    client, _ = visitor_on_each.signed_in()
    other, _ = visitor_on_each.signed_in()
    form = client.get("/account/password").form("Set the password")
    wrong = {"password": "not it", "new_password": NEW_PASSWORD}
    page = client.submit(form, **wrong, new_password_confirm=NEW_PASSWORD)
    assert "This is not your password" in page.text
    right = {"password": PASSWORD, "new_password": NEW_PASSWORD}
    page = client.submit(form, **right, new_password_confirm=NEW_PASSWORD)
    assert "Your new password is set" in page.text
    assert client.get("/").path == "/"
    assert other.get("/").path.startswith("/sign-in")
    fresh = visitor_on_each.client()
    assert (
        "e-mail address or the password is wrong"
        in fresh.sign_in(visitor_on_each.email, PASSWORD).text
    )
    assert "This network" in fresh.sign_in(visitor_on_each.email, NEW_PASSWORD).text


@pytest.mark.parametrize("password", ["short", "long " * 300])
def test_a_password_of_unusable_length_is_refused(visitor: Visitor, password: str) -> None:
    """The form says how long it may be, as the command does, and nothing changes."""
    client, _ = visitor.signed_in()
    form = client.get("/account/password").form("Set the password")
    values = {"password": PASSWORD, "new_password": password, "new_password_confirm": password}
    assert "8 to 1024 characters" in client.submit(form, **values).text
    assert "This network" in visitor.client().sign_in(visitor.email, PASSWORD).text


@pytest.mark.parametrize("password", ["Password123!", "EMAIL"])
def test_a_common_password_is_refused(visitor: Visitor, password: str) -> None:
    """The form says what to take instead, and nothing changes."""
    client, _ = visitor.signed_in()
    form = client.get("/account/password").form("Set the password")
    new = visitor.email if password == "EMAIL" else password
    values = {"password": PASSWORD, "new_password": new, "new_password_confirm": new}
    assert "Choose three words" in client.submit(form, **values).text
    assert "This network" in visitor.client().sign_in(visitor.email, PASSWORD).text


def test_signing_out_everywhere_ends_every_session(visitor: Visitor) -> None:
    """This browser and every other are out."""
    client, _ = visitor.signed_in()
    other, _ = visitor.signed_in()
    page = client.submit(client.get("/account").form("Sign out in every browser"))
    assert "signed out in every browser" in page.text
    for each in (client, other):
        assert each.get("/").path.startswith("/sign-in")


def test_everything_we_hold_is_shown_and_handed_over(visitor_on_each: Visitor) -> None:
    """After the password: a page and a file with e-mail and address, and no secret."""
    client, page = visitor_on_each.signed_in()
    client.submit(page.form(BUTTON))
    form = client.get("/account").form("Show it")
    assert "This is not your password" in client.submit(form, password="x").text
    shown = client.submit(form, password=PASSWORD)
    file = client.submit(form, password=PASSWORD, **{"as": "json"})
    assert file.headers["Content-Type"] == "application/json"
    held = json.loads(file.text)
    assert held["account"][0]["email"] == visitor_on_each.email
    assert held["registration"][0]["network"] == f"{visitor_on_each.address}/32"
    for table, rows in held.items():
        assert table in shown.text
        for row in rows:
            for column in row:
                assert column in shown.text
    assert "argon2" not in file.text
    assert "argon2" not in shown.text


def test_deleting_the_account_leaves_nothing(visitor_on_each: Visitor) -> None:
    """After the password: no row, no session, no sign-in; the other account stays."""
    client, page = visitor_on_each.signed_in()
    other, _ = visitor_on_each.signed_in()
    client.submit(page.form(BUTTON))
    form = client.get("/account").form("Delete my account permanently")
    assert "This is not your password" in client.submit(form, password="x").text
    page = client.submit(form, password=PASSWORD)
    assert "deleted" in page.text
    assert other.get("/").path.startswith("/sign-in")
    with visitor_on_each.server.sessions() as session:
        mine = BrowserSession.account_id == visitor_on_each.account_id
        assert session.get(Account, visitor_on_each.account_id) is None
        assert session.scalars(select(BrowserSession).where(mine)).all() == []
    again = visitor_on_each.client().sign_in(visitor_on_each.email, PASSWORD)
    assert "e-mail address or the password is wrong" in again.text


def test_on_sqlite_nothing_of_a_deleted_account_is_left_in_the_files(
    start_registry: StartServer, redis_server: RedisServer
) -> None:
    """Within seconds neither e-mail nor address is in the database, its log or its free pages."""
    server = start_registry(redis_url=redis_server.url)
    visitor = visitor_of(server)
    client, page = visitor.signed_in()
    client.submit(page.form(BUTTON))
    client.submit(client.get("/account").form("Delete my account permanently"), password=PASSWORD)
    wait_until(lambda: not _found_in_files(visitor))


def _found_in_files(visitor: Visitor) -> bool:
    secrets = (visitor.email.encode(), f"{visitor.address}/32".encode())
    files = visitor.server.directory.glob("registry.sqlite*")
    return any(secret in file.read_bytes() for file in files for secret in secrets)
