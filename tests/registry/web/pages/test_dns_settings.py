"""DNS Settings through a browser without script, against the real server."""

import datetime
from concurrent.futures import ThreadPoolExecutor

import pytest

from registry.actions.accounts.lifecycle import set_paid_until
from registry.web.arriving.client_address import FORWARDING_HEADERS
from tests.registry.web.conftest import Visitor, new_address, visitor_of

BUTTON = "Register my IP address"


def test_one_button_registers_the_address_that_asked(visitor_on_each: Visitor) -> None:
    """Sign in, press the button, and this very address is registered; the page says so."""
    client, page = visitor_on_each.signed_in()
    assert "This network is not registered" in page.text
    assert visitor_on_each.address in page.text
    page = client.submit(page.form(BUTTON))
    assert page.status == 200
    assert "This network is registered" in page.text
    assert visitor_on_each.networks == [f"{visitor_on_each.address}/32"]


def test_a_new_address_replaces_the_former_one(visitor_on_each: Visitor) -> None:
    """From another address the same button replaces what it registered before."""
    client, page = visitor_on_each.signed_in()
    client.submit(page.form(BUTTON))
    elsewhere = new_address()
    client, page = visitor_on_each.signed_in(elsewhere)
    assert "This network is not registered" in page.text
    client.submit(page.form(BUTTON))
    assert visitor_on_each.networks == [f"{elsewhere}/32"]


def test_a_second_place_is_kept_beside_the_first(visitor: Visitor) -> None:
    """Who chooses to keep the former address has both."""
    client, page = visitor.signed_in()
    client.submit(page.form(BUTTON))
    elsewhere = new_address()
    client, page = visitor.signed_in(elsewhere)
    client.submit(page.form(BUTTON), slot="new")
    assert visitor.networks == sorted([f"{visitor.address}/32", f"{elsewhere}/32"])


def test_at_the_limit_the_button_offers_to_replace_one(visitor: Visitor) -> None:
    """With all places taken nothing is added, and each place is offered for replacement."""
    for _ in range(5):
        client, page = visitor.signed_in(new_address())
        client.submit(page.form(BUTTON), slot="new")
    before = visitor.networks
    assert len(before) == 5
    here = new_address()
    client, page = visitor.signed_in(here)
    assert page.text.count('name="slot"') == 5
    refused = client.submit(page.form(BUTTON), slot="new")
    assert "All 5 places" in refused.text
    assert visitor.networks == before
    client.submit(page.form(BUTTON), slot="3")
    assert len(visitor.networks) == 5
    assert f"{here}/32" in visitor.networks


def test_fifty_requests_at_once_keep_the_limit(visitor_on_each: Visitor) -> None:
    """Fifty addresses of one account registered at the same moment fill five places."""
    client, page = visitor_on_each.signed_in()
    form, cookies = page.form(BUTTON), dict(client.cookies)

    def press(address: str) -> int:
        other = visitor_on_each.client(address)
        other.cookies = dict(cookies)
        return other.request("POST", form.action, {**form.values, "slot": "new"}).status

    with ThreadPoolExecutor(25) as pool:
        statuses = set(pool.map(press, [new_address() for _ in range(50)]))
    assert statuses == {303}
    assert len(visitor_on_each.networks) == 5


def test_removing_can_be_undone_once(visitor_on_each: Visitor) -> None:
    """Remove takes the address away, Undo puts it back, a second Undo does nothing."""
    client, page = visitor_on_each.signed_in()
    page = client.submit(page.form(BUTTON))
    page = client.submit(page.form("Remove"))
    assert visitor_on_each.networks == []
    undo = page.form("Undo")
    page = client.submit(undo)
    assert visitor_on_each.networks == [f"{visitor_on_each.address}/32"]
    client.submit(page.form("Remove"))
    page = client.submit(undo)
    assert "too late to undo" in page.text
    assert visitor_on_each.networks == []


def test_nobody_undoes_or_removes_for_somebody_else(visitor: Visitor) -> None:
    """Another account's undo and registration numbers are worth nothing."""
    client, page = visitor.signed_in()
    page = client.submit(page.form(BUTTON))
    other_client, other_page = visitor_of(visitor.server).signed_in()
    csrf = other_page.form(BUTTON).values["csrf_token"]
    number = page.form("Remove").values["registration"]
    other_client.post("/addresses/remove", {"csrf_token": csrf, "registration": number})
    assert visitor.networks == [f"{visitor.address}/32"]
    removed = client.submit(page.form("Remove")).form("Undo").values["removed"]
    refused = other_client.post("/addresses/restore", {"csrf_token": csrf, "removed": removed})
    assert "too late to undo" in refused.text
    assert visitor.networks == []


def test_turning_off_forgets_every_address(visitor_on_each: Visitor) -> None:
    """One button, and no address of the account is left."""
    client, page = visitor_on_each.signed_in()
    page = client.submit(page.form(BUTTON))
    page = client.submit(page.form("Turn MediaStreamer off and forget all my addresses"))
    assert visitor_on_each.networks == []
    assert "no longer store any of your addresses" in page.text


def test_regions_are_chosen_and_unknown_ones_refused(visitor: Visitor) -> None:
    """The default and one service's region are kept; an unknown one changes nothing."""
    client, page = visitor.signed_in()
    page = client.submit(page.form("/region"), region="gb")
    assert '<option value="gb" selected>' in page.text
    page = client.submit(page.form("/region"), region="zz")
    assert "Unknown region" in page.text
    assert '<option value="gb" selected>' in page.text
    page = client.submit(page.form("/services"), service="netflix", region="off")
    assert "Remove the choice for Netflix" in page.text
    page = client.submit(page.form("/services"), service="nonsense", region="off")
    assert "Unknown streaming service" in page.text


@pytest.mark.parametrize("value", ["8.8.8.8", "for=8.8.8.8", "8.8.8.8, 9.9.9.9"])
def test_no_header_registers_another_address(visitor: Visitor, value: str) -> None:
    """Every forwarding header, alone and with an underscore, is refused or ignored."""
    client, page = visitor.signed_in()
    form = page.form(BUTTON)
    for header in sorted(FORWARDING_HEADERS):
        reply = client.request("POST", form.action, form.values, {header: value})
        assert reply.status == 400, "a proxy on this machine that is not named"
        assert b"TRUSTED_PROXIES" in reply.body
        client.request("POST", form.action, form.values, {header.replace("-", "_"): value})
    assert visitor.networks == [f"{visitor.address}/32"]


def test_no_parameter_registers_another_address(visitor: Visitor) -> None:
    """An address in the form, in the query or as a made-up sighting counts for nothing."""
    client, page = visitor.signed_in()
    form = page.form(BUTTON)
    extra = dict.fromkeys(["address", "myip", "ip", "seen", "network", "REMOTE_ADDR"], "8.8.8.8")
    client.request("POST", f"{form.action}?myip=8.8.8.8&seen=8.8.8.8", {**form.values, **extra})
    assert visitor.networks == [f"{visitor.address}/32"]


def test_without_the_token_of_the_form_nothing_changes(visitor: Visitor) -> None:
    """Each form refuses to be sent without its CSRF token, or with another session's."""
    client, page = visitor.signed_in()
    stranger = visitor_of(visitor.server).signed_in()[1].form(BUTTON).values["csrf_token"]
    for form in page.forms:
        for token in ({}, {"csrf_token": "x"}, {"csrf_token": stranger}):
            reply = client.request("POST", form.action, token)
            assert reply.status == 400, form.action
    assert visitor.networks == []


def test_what_another_site_sends_is_refused(visitor: Visitor) -> None:
    """A browser that says that the form came from elsewhere is not obeyed, token or not."""
    client, page = visitor.signed_in()
    form = page.form(BUTTON)
    for site in ("cross-site", "same-site"):
        reply = client.request("POST", form.action, form.values, {"Sec-Fetch-Site": site})
        assert reply.status == 403
    assert visitor.networks == []


def test_reading_changes_nothing(visitor: Visitor) -> None:
    """GET on the addresses of the forms is no way to change anything."""
    client, page = visitor.signed_in()
    for form in page.forms:
        assert client.request("GET", form.action).status in {200, 405}
    assert visitor.networks == []


def test_an_account_that_has_ended_is_told_so(visitor: Visitor) -> None:
    """The first thing on the page is that the account has ended, and since when."""
    with visitor.server.sessions.begin() as session:
        set_paid_until(session, visitor.account_id, datetime.date(2020, 2, 29))
    _, page = visitor.signed_in()
    assert "Your account ended on February 29, 2020." in page.text


def test_every_page_is_light(visitor: Visitor) -> None:
    """The page with its style and script is under 60 kB, and asks nobody else for anything."""
    client, page = visitor.signed_in()
    total = len(page.body)
    for name in ("style.css", "dns_settings.js", "icon.svg"):
        reply = client.get(f"/static/{name}")
        assert reply.status == 200
        total += len(reply.body)
    assert total < 60_000
    assert "//" not in page.text.replace(visitor.server.url, "")
