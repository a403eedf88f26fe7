"""A stolen session guesses the password where it is asked for again, from many networks."""

import pytest

from tests.peers.form_client import Form, FormClient
from tests.peers.registry_server import PASSWORD
from tests.registry.web.conftest import StartServer, Visitor, new_address, visitor_of

NEW = ("new_password", "new_password_confirm")
PLACES = {
    "/updaters": ("/updaters", {}),
    "/account/data": ("/account", {"as": "json"}),
    "/account/delete": ("/account", {}),
    "/account/password": ("/account/password", dict.fromkeys(NEW, "three unrelated words")),
}


def post(client: FormClient, form: Form, extra: dict[str, str], password: str) -> int:
    """Send the form from an address of its own, until it finds a place; give the status."""
    client.source = new_address()
    values = {**form.values, **extra, "password": password}
    while (status := client.request("POST", form.action, values).status) == 503:
        pass
    return status


@pytest.mark.parametrize("action", PLACES)
def test_a_session_has_ten_guesses_from_however_many_networks(
    visitor_on_each: Visitor, action: str
) -> None:
    """Then 429, for the right password, too; the owner's other session can still do everything."""
    where, extra = PLACES[action]
    thief, _ = visitor_on_each.signed_in()
    form = thief.get(where).form(action)
    tried = [post(thief, form, extra, f"wrong {n}") for n in range(12)]
    assert 429 not in tried[:10]
    assert tried[10:] == [429, 429]
    assert post(thief, form, extra, PASSWORD) == 429
    owner, _ = visitor_on_each.signed_in()
    form = owner.get("/account").form("/account/data")
    assert post(owner, form, {"as": "json"}, PASSWORD) == 200


def test_the_places_share_one_count(visitor: Visitor) -> None:
    """Guesses are not ten at each place."""
    thief, _ = visitor.signed_in()
    make = thief.get("/updaters").form("/updaters")
    data = thief.get("/account").form("/account/data")
    tried = [post(thief, make, {}, "wrong") for _ in range(5)]
    tried += [post(thief, data, {}, "wrong") for _ in range(6)]
    assert tried[-1] == 429
    assert 429 not in tried[:-1]


def test_changing_the_email_counts_too(start_registry: StartServer, tmp_path: object) -> None:
    """The form for a new e-mail address takes the password as well."""
    visitor = visitor_of(start_registry(mail_url=f"{tmp_path}/mails"))
    thief, _ = visitor.signed_in()
    form = thief.get("/account/email").form("/account/email")
    tried = [post(thief, form, {"email": "new@example.com"}, f"wrong {n}") for n in range(11)]
    assert tried[-1] == 429
    assert 429 not in tried[:-1]
