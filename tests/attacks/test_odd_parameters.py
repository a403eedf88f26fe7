"""Numbers of thousands of digits and control characters, in every parameter of every route."""

import html
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.peers.form_client import FormClient
from tests.peers.ports import free_port
from tests.peers.registry_server import RegistryServer
from tests.registry.databases import create_postgresql_database
from tests.registry.web.conftest import new_address, served, visitor_of

ODD = {
    "20 digits": "9" * 20,
    "5,000 digits": "9" * 5_000,
    "16 digits": "9" * 16,
    "minus": "-1",
    "other digits": "١٢٣",
    "superscript": "²",
    "CR": "a\rb@example.com",
    "LF": "a@example.com\nBcc: b@example.com",
    "CR LF": "a@example.com\r\n\r\nx",
    "NUL": "a\0@example.com",
    "C1": "a\x85@example.com",
    "DEL": "a\x7f",
    "octets that are not UTF-8": "\udcff\udcfe",
    "half a pair": "a\ud800",
    "long": "a" * 60_000,
    "long e-mail": f"{'a' * 250}@{'b' * 60}.example.com",
    "brackets": "[]{}%00%0d%0a\\",
    "nothing": "",
}
POSTS = {
    "/language": ("language", "next"),
    "/sign-in": ("email", "password", "next", "remember"),
    "/sign-up": ("email", "password", "invitation"),
    "/forgot": ("email",),
    "/confirm": ("email",),
    "/account/password": ("password", "new_password", "new_password_confirm"),
    "/account/email": ("email", "password"),
    "/addresses": ("slot", "seen", "insist"),
    "/addresses/remove": ("registration",),
    "/addresses/restore": ("removed",),
    "/region": ("region",),
    "/services": ("service", "region"),
    "/automatic": ("automatic",),
    "/updaters": ("label", "password"),
    "/updaters/hostname": ("hostname",),
    "/updaters/mails": ("mails",),
    "/updaters/remove": ("number",),
    "/account/data": ("password", "as"),
    "/account/delete": ("password",),
}
"""Path -> the fields of its form. The values are sent in each of them, and as a field's name."""
WITHOUT_FIELDS = {"/off", "/sign-out", "/account/sign-out-everywhere"}
PATHS = (
    *("/devices/{}", "/forgot/{}", "/confirm/{}", "/account/email/{}", "/link/{}"),
    *("/u/{}", "/{}", "/static/{}"),
)
LONGEST_LINE = 12_000
"""Octets of a URL here; the server closes a connection that sends a line of 16,384."""
QUERIES = ("/?seen={}", "/sighting?ticket={}", "/sign-in?next={}", "/sign-up?invitation={}")
UPDATES = ("/nic/update?hostname={}", "/nic/update?hostname=h&myip={}", "/nic/update?{}=h")
FINE = {200, 302, 303, 400, 401, 403, 404, 405, 413, 429}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def everything(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RegistryServer]:
    """A registry with every page there is, on each database."""
    directory = tmp_path_factory.mktemp("everything")
    settings = {"mail_url": str(directory / "mails"), "sign_up": "open", "follow_hostnames": "1"}
    settings["name_server"] = str(free_port())  # nobody listens there
    if request.param == "sqlite":
        url = f"sqlite:///{directory / 'registry.sqlite'}"
        yield from served(url, directory, **settings)
        return
    with create_postgresql_database(request.getfixturevalue("postgresql_server")) as url:
        yield from served(url, directory, **settings)


def encoded(value: str) -> str:
    """Give the value as a browser or an attacker writes it into a URL."""
    return quote(value.encode("utf-8", "surrogatepass"), safe="")


def csrf_of(client: FormClient) -> str:
    """Give the token of this browser's forms."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/devices").text)
    assert found is not None
    return html.unescape(found[1])


def post(client: FormClient, path: str, fields: dict[str, str]) -> int:
    """Send a form, octets as they are, until it finds a place; give the status."""
    client.source = new_address()
    body = "&".join(f"{encoded(name)}={encoded(value)}" for name, value in fields.items())
    while (status := client.request("POST", path, body).status) == 503:
        pass
    return status


def test_every_form_of_ours_is_in_the_table(everything: RegistryServer) -> None:
    """A page that takes a form and is not in the table would not be attacked here."""
    client, _ = visitor_of(everything).signed_in()
    pages = ["/", "/account", "/account/password", "/account/email", "/updaters", "/check"]
    forms = {form.action for path in pages for form in client.get(path).forms}
    stranger = FormClient(everything.url, new_address())
    pages = ["/sign-in", "/sign-up", "/forgot", "/confirm", "/devices"]
    forms |= {form.action for path in pages for form in stranger.get(path).forms}
    assert {action.partition("?")[0] for action in forms} <= {*POSTS, *WITHOUT_FIELDS}


@pytest.mark.parametrize("name", ODD)
def test_no_parameter_makes_a_page_fail(everything: RegistryServer, name: str) -> None:
    """A page that says so, or the form again, and never 500; the registry says nothing."""
    value = ODD[name]
    visitor = visitor_of(everything)
    client, _ = visitor.signed_in()
    stranger = visitor.client(new_address())
    for sender in (client, stranger):
        csrf = csrf_of(sender)
        for path, fields in POSTS.items():
            common = {"csrf_token": csrf, "email": visitor.email, "password": "wrong"}
            for field in (*fields, value):
                status = post(sender, path, {**common, field: value})
                assert status in FINE, (path, field if field in fields else "a name")
        for template in (*PATHS, *QUERIES, *UPDATES):
            sender.source = new_address()
            page = sender.request("GET", template.format(encoded(value)[:LONGEST_LINE]))
            assert page.status in FINE, template
