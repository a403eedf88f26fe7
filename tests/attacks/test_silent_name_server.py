"""Host names whose name server never answers, sent many at a time."""

from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.peers.form_client import Form, FormClient
from tests.peers.waiting import wait_until
from tests.registry.datagram_server import DatagramServer
from tests.registry.web.conftest import StartServer, Visitor, new_address, visitor_of
from tests.registry.web.updates.updater import updater_of


@pytest.mark.parametrize(("accounts", "each"), [(1, 14), (4, 14)])
def test_pages_and_routers_are_served_while_look_ups_wait(
    start_registry: StartServer, accounts: int, each: int
) -> None:
    """While the first look-up still waits, pages, changes and updates of others are answered."""
    with DatagramServer(lambda _query: ()) as silent, ThreadPoolExecutor(accounts * each) as pool:
        server = start_registry(follow_hostnames="1", name_server=str(silent.address.port))
        other, updater = visitor_of(server), updater_of(visitor_of(server))
        other_client, page = other.signed_in()
        attackers = [_prepared(visitor_of(server)) for _ in range(accounts)]
        posts = [
            pool.submit(_follow, attacker, form, number)
            for attacker, form in attackers
            for number in range(each)
        ]
        wait_until(lambda: silent.count > 0)
        for _ in range(5):
            assert other_client.get("/address").text == f"{other.address}\n"
        assert other_client.submit(page.form("Register my IP address")).status == 200
        assert updater.get()[1].startswith("good ")
        assert not all(post.done() for post in posts), "a look-up still waits"
        statuses = [_status(post) for post in posts]
    assert set(statuses) <= {303, 503}
    assert silent.count <= 4 * 2 * 6 * accounts, "of one account's names one is asked at a time"


def test_one_account_has_one_look_up_at_a_time(start_registry: StartServer) -> None:
    """The second is refused in words, at once, and the first goes on."""
    with DatagramServer(lambda _query: ()) as silent, ThreadPoolExecutor(1) as pool:
        server = start_registry(follow_hostnames="1", name_server=str(silent.address.port))
        client, form = _prepared(visitor_of(server))
        first = pool.submit(_follow, client, form, 1)
        wait_until(lambda: silent.count > 0)
        text = client.submit(form, hostname="second.example.net").text
        assert "still looking up another host name" in text
        assert not first.done()
        assert first.result(60) == 303


def _prepared(visitor: Visitor) -> tuple[FormClient, Form]:
    client, _ = visitor.signed_in()
    return client, client.get("/updaters").form("Follow it")


def _follow(client: FormClient, form: Form, number: int) -> int:
    other = FormClient(client.url, new_address())
    other.cookies = dict(client.cookies)
    values = {**form.values, "hostname": f"silent{number}.example.net"}
    return other.request("POST", form.action, values).status


def _status(post: "Future[int]") -> int:
    return post.result(120)
