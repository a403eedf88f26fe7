"""Many posters of wrong passwords at the same time: each attempt computes argon2id."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.peers.form_client import FormClient, Page
from tests.registry.web.conftest import Visitor, new_address, visitor_of
from tests.registry.web.updates.updater import updater_of


@pytest.mark.parametrize("posters", [16, 64])
def test_pages_and_routers_are_served_while_passwords_are_guessed(
    visitor: Visitor, posters: int
) -> None:
    """A few guesses wait, the others are refused at once; pages and updates go on meanwhile."""
    client, page = visitor.signed_in()
    updater = updater_of(visitor_of(visitor.server))
    stopping, refused = threading.Event(), threading.Event()

    def guess(number: int) -> set[int]:
        poster = FormClient(visitor.server.url, new_address())
        form = poster.get("/sign-in").form("Sign in")
        statuses = set()
        while not stopping.is_set():
            values = {**form.values, "email": f"nobody{number}@example.com", "password": "wrong"}
            reply = poster.request("POST", form.action, values)
            statuses.add(reply.status)
            if reply.status == 503:
                _check_refusal(reply)
                refused.set()
        return statuses

    with ThreadPoolExecutor(posters) as pool:
        guesses = [pool.submit(guess, number) for number in range(posters)]
        try:
            assert refused.wait(60), "no guess was refused"
            for _ in range(10):
                assert client.get("/").status == 200
                assert updater.get()[0] == 200
            assert client.submit(page.form("Register my IP address")).status == 200
        finally:
            stopping.set()
        seen = set().union(*(each.result(120) for each in guesses))
    assert seen <= {200, 429, 503}
    assert {503} <= seen


def _check_refusal(reply: Page) -> None:
    assert int(reply.headers["Retry-After"]) > 0
    assert "We will be back in a moment" in reply.text
