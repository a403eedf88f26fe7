"""The address of the other family: proved by a sealed sighting, for one session, once, shortly."""

import json
from collections.abc import Iterator

import pytest

from registry.web.seal import Seal, SealError
from tests.peers.form_client import FormClient, Page
from tests.peers.ports import free_port
from tests.peers.registry_server import RegistryServer
from tests.registry.web.conftest import Visitor, served, visitor_of

pytestmark = pytest.mark.processes

BUTTON = "Register my IP address"


@pytest.fixture(scope="module")
def dual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """A registry on 127.0.0.1 and ::1, the latter being its IPv6 host."""
    directory, port = tmp_path_factory.mktemp("dual"), free_port()
    yield from served(
        f"sqlite:///{directory / 'registry.sqlite'}",
        directory,
        web_listen=f"127.0.0.1:{port} [::1]:{port}",
        public_url=f"http://127.0.0.1:{port}",
        ipv4_host="v4.test",
        ipv6_host="v6.test",
    )


@pytest.fixture
def at_home(dual: RegistryServer) -> Visitor:
    """Somebody with an account there."""
    return visitor_of(dual)


def over_ipv6(visitor: Visitor, page: Page, **headers: str) -> Page:
    """Ask the IPv6 host as the page's script does."""
    ticket = page.text.partition('data-ticket="')[2].partition('"')[0]
    port = int(visitor.server.url.rpartition(":")[2])
    client = FormClient(f"http://v6.test:{port}", connect_to=("::1", port))
    return client.request("GET", f"/sighting?ticket={ticket}", headers=headers)


def test_a_sighting_registers_the_other_family(at_home: Visitor) -> None:
    """What the IPv6 host saw is registered together with the IPv4 address of the request."""
    client, page = at_home.signed_in()
    reply = over_ipv6(at_home, page)
    assert reply.headers["Access-Control-Allow-Origin"] == at_home.server.url
    content = json.loads(reply.text)
    assert content["text"] == "::/64"
    assert content["registered"] is False
    client.submit(page.form(BUTTON), seen=content["sighting"])
    assert at_home.networks == [f"{at_home.address}/32", "::/64"]
    assert json.loads(over_ipv6(at_home, client.get("/")).text)["registered"] is True


def test_a_sighting_is_worth_nothing_to_anybody_else_or_twice(at_home: Visitor) -> None:
    """Another session of the same account, another account and a second use register nothing."""
    client, page = at_home.signed_in()
    sighting = json.loads(over_ipv6(at_home, page).text)["sighting"]
    for other in (at_home, visitor_of(at_home.server)):
        stranger, strange_page = other.signed_in()
        stranger.submit(strange_page.form(BUTTON), seen=sighting)
        assert "::/64" not in other.networks
    client.submit(page.form(BUTTON), seen=sighting)
    assert "::/64" in at_home.networks
    client.submit(client.get("/").form("Turn MediaStreamer off and forget all my addresses"))
    client.submit(client.get("/").form(BUTTON), seen=sighting)
    assert "::/64" not in at_home.networks


def test_a_sighting_never_replaces_the_address_of_the_request(at_home: Visitor) -> None:
    """A sighting of the request's own family counts for nothing."""
    client, page = at_home.signed_in()
    ticket = page.text.partition('data-ticket="')[2].partition('"')[0]
    elsewhere = at_home.client("127.9.9.9").request("GET", f"/sighting?ticket={ticket}")
    client.submit(page.form(BUTTON), seen=json.loads(elsewhere.text)["sighting"])
    assert at_home.networks == [f"{at_home.address}/32"]


def test_a_ticket_must_be_one_of_ours(at_home: Visitor) -> None:
    """A forged ticket, a sighting in place of one, and none at all are refused."""
    _, page = at_home.signed_in()
    sighting = json.loads(over_ipv6(at_home, page).text)["sighting"]
    for ticket in ("", "forged", sighting):
        assert at_home.client().request("GET", f"/sighting?ticket={ticket}").status == 400


def test_a_seal_holds_for_its_time_purpose_and_owner() -> None:
    """Two minutes, one purpose, one owner, one secret; and once where once is asked for."""
    now = [1_000_000.0]
    spent: set[str] = set()

    def spend(number: str) -> bool:
        before, _ = len(spent), spent.add(number)
        return len(spent) > before

    seal = Seal("secret", spend, clock=lambda: now[0])
    sealed = seal.close("sighting", "somebody", {"address": "192.0.2.1"})
    assert "192.0.2.1" not in sealed
    assert seal.open("sighting", "somebody", sealed, 120) == {"address": "192.0.2.1"}
    for purpose, owner, opener in (
        ("ticket", "somebody", seal),
        ("sighting", "anybody", seal),
        ("sighting", "somebody", Seal("another", spend, clock=lambda: now[0])),
    ):
        with pytest.raises(SealError):
            opener.open(purpose, owner, sealed, 120)
    assert seal.open_once("sighting", "somebody", sealed, 120)
    with pytest.raises(SealError):
        seal.open_once("sighting", "somebody", sealed, 120)
    now[0] += 121
    with pytest.raises(SealError):
        seal.open("sighting", "somebody", sealed, 120)
