"""What people do with their accounts, in Debian's chromium.

Each flow goes twice: with script on a phone's screen and SQLite, without script on a desktop's
and PostgreSQL.
"""

import json
from pathlib import Path

from playwright.sync_api import Page, expect

from registry.actions.addresses.registering import register_address
from registry.actions.addresses.rules import AddressRules
from registry.models import Account
from smartdns.contract.addresses import parse_address
from tests.peers.registry_server import PASSWORD
from tests.registry.web.browser_round import Round, fill_in, says
from tests.registry.web.conftest import Visitor, sign_in, visitor_of

NEW_PASSWORD = "another long password"


def test_signing_up_confirming_and_signing_in(way: Round) -> None:
    """The link on the sign-in page, a mail, its button, and one is in."""
    newcomer = Visitor(way.server, "newcomer@example.com", 0, "127.0.0.1")

    def walk(page: Page) -> None:
        page.goto(way.server.url)
        page.get_by_role("link", name="Create an account").click()
        way.look(page, "sign-up")
        fill_in(page, email=newcomer.email, password=PASSWORD)
        says(page, "We have sent you a mail")
        page.goto(way.mailed_link(newcomer.email))
        way.look(page, "confirm")
        page.get_by_role("button", name="Confirm").click()
        says(page, "your e-mail address is confirmed")
        sign_in(page, newcomer)

    way.visit(walk)


def test_a_forgotten_password_is_set_anew(way: Round) -> None:
    """The link on the sign-in page, a mail, a form, and the new password works."""
    visitor = visitor_of(way.server)

    def walk(page: Page) -> None:
        page.goto(way.server.url)
        page.get_by_role("link", name="Forgot your password?").click()
        way.look(page, "forgot")
        fill_in(page, email=visitor.email)
        says(page, "If there is such an account, we have sent it a mail")
        page.goto(way.mailed_link(visitor.email))
        way.look(page, "reset")
        fill_in(page, password=NEW_PASSWORD, password_confirm=NEW_PASSWORD)
        says(page, "Your new password is set")
        sign_in(page, visitor, NEW_PASSWORD)

    way.visit(walk)


def test_changing_the_password(way: Round) -> None:
    """A wrong one is refused beside its field; the right one leads back to the account."""
    visitor = visitor_of(way.server)
    new = {"new_password": NEW_PASSWORD, "new_password_confirm": NEW_PASSWORD}

    def walk(page: Page) -> None:
        sign_in(page, visitor)
        page.get_by_role("link", name="Account").click()
        page.locator("li", has_text="Password").get_by_role("link", name="Change").click()
        fill_in(page, password="wrong", **new)
        expect(page.locator("#password-errors")).to_have_text("This is not your password.")
        way.look(page, "change-password")
        fill_in(page, password=PASSWORD, **new)
        says(page, "Your new password is set")
        page.get_by_role("button", name="Sign out", exact=True).click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        sign_in(page, visitor, NEW_PASSWORD)

    way.visit(walk)


def test_changing_the_email_address(way: Round) -> None:
    """The new address gets a mail, and is shown once its button was tapped."""
    visitor = visitor_of(way.server)

    def walk(page: Page) -> None:
        sign_in(page, visitor)
        page.get_by_role("link", name="Account").click()
        page.locator("li", has_text=visitor.email).get_by_role("link", name="Change").click()
        way.look(page, "change-email")
        fill_in(page, email=f"new-{visitor.email}", password=PASSWORD)
        says(page, "We have sent a mail to the new address")
        page.goto(way.mailed_link(f"new-{visitor.email}"))
        page.get_by_role("button", name="Confirm").click()
        says(page, "Your new e-mail address is set")
        expect(page.get_by_text(f"new-{visitor.email}")).to_be_visible()

    way.visit(walk)


def test_signing_out_everywhere(way: Round) -> None:
    """Another browser is asked to sign in, too."""
    visitor = visitor_of(way.server)

    def walk(page: Page) -> None:
        browser = page.context.browser
        assert browser is not None
        elsewhere = browser.new_page(java_script_enabled=way.script)
        sign_in(elsewhere, visitor)
        sign_in(page, visitor)
        page.get_by_role("link", name="Account").click()
        page.get_by_role("button", name="Sign out in every browser").click()
        says(page, "You are signed out in every browser")
        elsewhere.reload()
        expect(elsewhere.get_by_role("heading", name="Sign in")).to_be_visible()
        elsewhere.close()

    way.visit(walk)


def test_everything_held_is_downloaded_and_shown(way: Round) -> None:
    """One password each for the file and for the page; both know the address."""
    visitor = visitor_of(way.server)

    def walk(page: Page) -> None:
        sign_in(page, visitor)
        page.locator("#register button").click()
        says(page, "This network is registered")
        page.get_by_role("link", name="Account").click()
        page.locator("#data-password").fill(PASSWORD)
        with page.expect_download() as download:
            page.get_by_role("button", name="Download it (JSON)").click()
        assert download.value.suggested_filename == "mediastreamer.json"
        held = json.loads(Path(download.value.path()).read_text())
        assert held["account"][0]["email"] == visitor.email
        assert "127.0.0.1/32" in [row["network"] for row in held["registration"]]
        page.locator("#data-password").fill(PASSWORD)
        page.get_by_role("button", name="Show it").click()
        expect(page.get_by_text("127.0.0.1/32")).to_be_visible()
        way.look(page, "held")

    way.visit(walk)


def test_deleting_the_account(way: Round) -> None:
    """It takes a tap, the password and another tap; then nobody can sign in with it."""
    visitor = visitor_of(way.server)

    def walk(page: Page) -> None:
        sign_in(page, visitor)
        page.get_by_role("link", name="Account").click()
        page.get_by_text("Delete my account …").click()
        page.locator("#delete-password").fill(PASSWORD)
        way.look(page, "delete")
        page.get_by_role("button", name="Delete my account permanently").click()
        says(page, "everything we stored about it have been deleted")
        fill_in(page, email=visitor.email, password=PASSWORD)
        expect(page.get_by_role("alert")).to_contain_text("e-mail address or the password is wrong")

    way.visit(walk)
    with way.server.sessions() as session:
        assert session.get(Account, visitor.account_id) is None


def test_at_the_limit_the_button_offers_to_replace_an_address(way: Round) -> None:
    """With every place taken there is a choice which one to give up, and no further place."""
    visitor = visitor_of(way.server)
    rules = AddressRules(private_allowed=True, slot_limit=3)
    for number in (1, 2, 3):
        with way.server.sessions.begin() as session:
            address = parse_address(f"10.0.0.{number}")
            register_address(session, visitor.account_id, address, rules=rules, slot="new")

    def walk(page: Page) -> None:
        sign_in(page, visitor)
        expect(page.get_by_label("Keep it, and add this network")).to_have_count(0)
        way.look(page, "replace")
        page.get_by_role("radio", name="10.0.0.2").check()
        page.get_by_role("button", name="Register my IP address").click()
        expect(page.locator("section", has=page.locator("#addresses"))).not_to_contain_text(
            "10.0.0.2"
        )

    way.visit(walk)
    assert {"10.0.0.1/32", "10.0.0.3/32", "127.0.0.1/32"} == set(visitor.networks) - {"::/64"}
