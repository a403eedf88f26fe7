"""Signing in and out, and what guessing meets."""

import base64
import statistics
import time

import pytest
from sqlalchemy import select

from registry.actions.accounts.lifecycle import suspend_account
from registry.models import BrowserSession
from tests.peers.form_client import FormClient, Page
from tests.peers.registry_server import PASSWORD
from tests.registry.web.conftest import StartServer, Visitor, new_address, visitor_of


def attempt(client: FormClient, email: str, password: str) -> Page:
    """Send the sign-in form and do not follow."""
    form = client.get("/sign-in").form("Sign in")
    values = {**form.values, "email": email, "password": password}
    return client.request("POST", form.action, values)


def test_signing_in_leads_back_to_the_page_that_was_asked_for(visitor_on_each: Visitor) -> None:
    """A page that needs signing in leads to the form, and the form back to it."""
    client = visitor_on_each.client()
    form = client.get("/account").form("Sign in")
    page = client.submit(form, email=visitor_on_each.email, password=PASSWORD)
    assert page.path == "/account"


@pytest.mark.parametrize(
    "where",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "/\t/evil.example",
        "/\t\\evil.example",
        "\\\\evil.example",
    ],
)
def test_signing_in_never_leads_to_another_site(visitor: Visitor, where: str) -> None:
    """A `next` that points elsewhere is not followed."""
    client = visitor.client()
    form = client.get("/sign-in").form("Sign in")
    values = {**form.values, "email": visitor.email, "password": PASSWORD, "next": where}
    page = client.request("POST", form.action, values)
    # A browser takes "/\\" for "//"; encoded it is a path of ours.
    location = page.headers.get("Location", "").replace("\t", "")
    assert not location.startswith(("//", "/\\", "\\", "http"))


def test_unknown_and_known_accounts_look_alike(start_registry: StartServer) -> None:
    """The same status, text and about the same time for an unknown e-mail and a wrong password."""
    visitor = visitor_of(start_registry(real_hashes=True))

    def tried(email: str) -> tuple[int, str, float]:
        client = visitor.client(new_address())
        form = client.get("/sign-in").form("Sign in")
        values = {**form.values, "email": email, "password": "wrong password"}
        started = time.perf_counter()
        page = client.request("POST", form.action, values)
        took = time.perf_counter() - started
        return page.status, page.text.replace(email, "").partition("<form")[0], took

    known = [tried(visitor.email) for _ in range(5)]
    unknown = [tried(f"nobody{n}@example.com") for n in range(5)]
    assert {one[:2] for one in known} == {one[:2] for one in unknown}
    times = [statistics.median(one[2] for one in many) for many in (known, unknown)]
    assert max(times) < 3 * min(times), "argon2 is computed either way"


def test_a_suspended_account_looks_like_a_wrong_password(visitor: Visitor) -> None:
    """Suspending signs out at once, and the form says no more than for a wrong password."""
    client, _ = visitor.signed_in()
    with visitor.server.sessions.begin() as session:
        suspend_account(session, visitor.account_id)
    assert client.get("/").path.startswith("/sign-in")
    page = client.sign_in(visitor.email, PASSWORD)
    assert "e-mail address or the password is wrong" in page.text


def test_guessing_is_slowed_down_for_the_account_at_one_place(visitor: Visitor) -> None:
    """Ten wrong passwords from one address, then 429; the owner elsewhere still gets in."""
    guesser = visitor.client()
    statuses = [attempt(guesser, visitor.email, f"guess {n}").status for n in range(12)]
    assert statuses[:10] == [200] * 10
    assert statuses[10:] == [429, 429]
    assert attempt(guesser, visitor.email, PASSWORD).status == 429
    owner = visitor.client(new_address())
    assert "This network" in owner.sign_in(visitor.email, PASSWORD).text


def test_signing_in_rightly_is_not_counted(visitor: Visitor) -> None:
    """Fifteen right passwords in a row are all let in."""
    for _ in range(15):
        assert attempt(visitor.client(), visitor.email, PASSWORD).status == 302


def test_signing_in_begins_a_new_session(visitor: Visitor) -> None:
    """What the browser held before is worth nothing after, and two sign-ins share nothing."""
    client = visitor.client()
    before = client.get("/sign-in").form("Sign in").values["csrf_token"]
    planted = dict(client.cookies)
    client.sign_in(visitor.email, PASSWORD)
    fixated = visitor.client()
    fixated.cookies = planted
    assert fixated.get("/").path.startswith("/sign-in")
    assert client.request("POST", "/addresses", {"csrf_token": before}).status == 400


def test_signing_out_ends_the_session_on_our_side(visitor_on_each: Visitor) -> None:
    """A copy of the cookie is worth nothing after signing out; another browser stays in."""
    client, _ = visitor_on_each.signed_in()
    other, _ = visitor_on_each.signed_in()
    copied = dict(client.cookies)
    client.submit(client.get("/account").form("Sign out"))
    thief = visitor_on_each.client()
    thief.cookies = copied
    assert thief.get("/").path.startswith("/sign-in")
    assert other.get("/").path == "/"
    with visitor_on_each.server.sessions() as session:
        query = select(BrowserSession)
        found = session.scalars(
            query.where(BrowserSession.account_id == visitor_on_each.account_id)
        )
        assert len(found.all()) == 1


def test_the_cookie_tells_nothing_of_address_or_browser(visitor: Visitor) -> None:
    """No address, no hash of one, no user agent, no e-mail in the cookie; only random text."""
    client, _ = visitor.signed_in()
    content = client.cookies["session"].lstrip(".").partition(".")[0]
    text = base64.urlsafe_b64decode(content + "==").decode(errors="replace")
    for secret in (visitor.address, visitor.email, "Python"):
        assert secret not in text
    assert "_id" not in text or '"_id":""' in text


def test_a_session_outlives_a_change_of_address(visitor: Visitor) -> None:
    """The very moment for which people come here: the address changed, they are still signed in."""
    client, _ = visitor.signed_in()
    client.source = new_address()
    page = client.get("/")
    assert page.path == "/"
    assert client.source in page.text


def test_a_restart_keeps_people_signed_in(start_registry: StartServer) -> None:
    """With the same secret a session goes on after a restart."""
    server = start_registry()
    server.add_account("somebody@example.com")
    client = FormClient(server.url)
    client.sign_in("somebody@example.com", PASSWORD)
    assert server.stop() == 0
    server.start()
    assert client.get("/").path == "/"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Basic dmlzaXRvckBleGFtcGxlLmNvbTp4"},
        {"Authentication-Token": "x"},
        {"Accept": "application/json"},
    ],
)
def test_there_is_no_second_door(visitor: Visitor, headers: dict[str, str]) -> None:
    """No Basic authentication, token or JSON gets past the form."""
    reply = visitor.client().request("GET", "/", headers=headers)
    assert reply.status == 302
    assert reply.headers["Location"].startswith("/sign-in")
    assert "WWW-Authenticate" not in reply.headers
