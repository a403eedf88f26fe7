"""Updates as routers and people send them, to a running registry; real clients are elsewhere."""

import base64
from pathlib import Path

import pytest
from sqlalchemy import update

from registry.actions.addresses.rules import AddressRules
from registry.database.engine import make_engine, make_readers, make_sessions
from registry.models import Account, Slot
from registry.web.arriving.sender import SenderMiddleware
from registry.web.updates.change_budget import MOST_CHANGES
from registry.web.updates.endpoints import UpdateEndpoints
from tests.registry.web.conftest import StartServer, Visitor, visitor_of
from tests.registry.web.updates.updater import Updater, updater_of


@pytest.fixture
def updater(visitor: Visitor) -> Updater:
    """A router with a token of a fresh account."""
    return updater_of(visitor)


SHAPES = {
    "ddclient": "/nic/update?system=dyndns&hostname={h}&myip=10.0.0.9",
    "ddclient with usev6": "/nic/update?system=dyndns&hostname={h}&myip=",
    "ddclient 3.11 of both families": "/nic/update?hostname={h}&myip=10.0.0.9,2001:db8::1",
    "inadyn": "/nic/update?hostname={h}&myip=10.0.0.9",
    "inadyn with IPv6": "/nic/update?hostname={h}&myip=2001%3Adb8%3A%3A1",
    "OpenWrt": "/nic/update?hostname={h}&myip=10.0.0.9",
    "OpenWrt of old": "/v3/update?hostname={h}&myip=10.0.0.9",
    "FRITZ!Box": "/nic/update?hostname={h}&myip=10.0.0.9&myipv6=2001:db8::1&prefix=2001:db8::/56",
    "Synology": "/nic/update?system=dyndns&hostname={h}&myip=10.0.0.9"
    "&wildcard=NOCHG&mx=NOCHG&backmx=NOCHG",
    "DD-WRT": "/nic/update?hostname={h}",
    "short": "/update?hostname={h}&myip=10.0.0.9",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_routers_register_the_address_they_ask_from(updater: Updater, shape: str) -> None:
    """Each router's request registers its sender, never what it says in `myip`."""
    path = SHAPES[shape].format(h="home.example.com")
    address = updater.visitor.address
    assert updater.get(path) == (200, f"good {address}\n")
    assert updater.get(path) == (200, f"nochg {address}\n")
    assert updater.networks == [f"{address}/32"]


def test_http_1_0_without_host(updater: Updater) -> None:
    """A router that speaks HTTP/1.0 and names no host is served."""
    import socket

    secret = base64.b64encode(f"x:{updater.token}".encode()).decode()
    address = updater.visitor.address
    with socket.create_connection(
        ("127.0.0.1", updater.visitor.server.port), 20, source_address=(address, 0)
    ) as connection:
        connection.sendall(
            f"GET /nic/update?hostname=h HTTP/1.0\r\nAuthorization: Basic {secret}\r\n\r\n".encode()
        )
        reply = b"".join(iter(lambda: connection.recv(4096), b""))
    assert reply.split(b"\r\n")[0] in {b"HTTP/1.0 200 OK", b"HTTP/1.1 200 OK"}
    assert reply.endswith(f"\r\n\r\ngood {address}\n".encode())


def test_every_host_name_has_a_line(updater: Updater) -> None:
    """Clients that ask for several names at once read as many lines."""
    status, text = updater.get("/nic/update?hostname=a.example.com,b.example.com")
    assert (status, text) == (200, f"good {updater.visitor.address}\n" * 2)


def test_new_address_replaces_the_former_one(updater: Updater) -> None:
    """After the provider's change of address the former one is let in no longer."""
    updater.get()
    second = updater.visitor.address.replace("127.1.", "127.2.")
    assert updater.get(source=second) == (200, f"good {second}\n")
    assert updater.networks == [f"{second}/32"]


def test_wrong_token_is_401(updater: Updater) -> None:
    """A token that is none registers nothing; neither does the account's password."""
    for token in ("wrong", "correct horse battery", "a" * 32):
        assert updater.get(token=token) == (401, "badauth\n")
    assert updater.get("/nic/update", token="wrong") == (401, "badauth\n")
    assert updater.networks == []


def test_request_without_host_name_registers_nothing(updater: Updater) -> None:
    """`notfqdn`, as the protocol has it."""
    assert updater.get("/nic/update?myip=1.2.3.4") == (200, "notfqdn\n")
    assert updater.networks == []


def test_suspended_account_is_abuse_and_is_remembered_as_failing(updater: Updater) -> None:
    """Refusal by code 200 `abuse`; the slot keeps the day, and forgets it when all is well."""
    server = updater.visitor.server
    mine = update(Account).where(Account.id == updater.visitor.account_id)
    with server.sessions.begin() as session:
        session.execute(mine.values(active=False))
    assert updater.get() == (200, "abuse\n")
    with server.sessions.begin() as session:
        assert slot_of(session, updater).failing_since is not None
        session.execute(mine.values(active=True))
    assert updater.get()[0] == 200
    with server.sessions.begin() as session:
        assert slot_of(session, updater).failing_since is None


def slot_of(session: object, updater: Updater) -> Slot:
    """Slot of the updater's account."""
    account = session.get_one(Account, updater.visitor.account_id)  # type: ignore[attr-defined]
    slot: Slot = account.slots[0]
    return slot


def test_a_routers_link_registers_who_opens_it(updater: Updater) -> None:
    """One GET, plain text, 200; a link that was revoked or guessed is 404."""
    address = updater.visitor.address
    status, text = updater.get(f"/u/{updater.token}")
    assert (status, text.split("\n")[0]) == (200, f"good {address}")
    assert updater.networks == [f"{address}/32"]
    assert updater.get(f"/u/{'a' * 32}")[0] == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Dest": "image"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Dest": "document"},
        {"Sec_Fetch_Site": "same-origin", "Sec_Fetch_Dest": "iframe"},
        {"Sec_Purpose": "prefetch"},
        {"Sec_Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X_Purpose": "preview"},
        {"X_Moz": "prefetch"},
        {"Accept": "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"},
        {"Accept": "image/*"},
        {"Accept": "text/css,*/*;q=0.1"},
        {"Referer": "http://forum.example/thread/1"},
        {"Referer": "http://[forum"},
        {"Origin": "http://forum.example"},
        {"Origin": "null"},
    ],
)
@pytest.mark.parametrize("kind", ["link", "dyndns2"])
def test_link_embedded_elsewhere_registers_nobody(
    updater: Updater, headers: dict[str, str], kind: str
) -> None:
    """A picture in a forum whose source is the link does not enrol the forum's readers."""
    path = f"/u/{updater.token}" if kind == "link" else "/nic/update?hostname=h"
    assert updater.get(path, **headers)[0] == 403
    assert updater.networks == []


def test_typed_link_is_not_an_embedded_one(updater: Updater) -> None:
    """What a browser sends for a bookmark is served."""
    headers = {"Sec_Fetch_Site": "none", "Sec_Fetch_Dest": "document"}
    headers["Accept"] = "text/html,application/xhtml+xml,*/*;q=0.8"
    headers["Referer"] = f"{updater.visitor.server.url}/updaters"
    assert updater.get(f"/u/{updater.token}", **headers)[0] == 200


def test_session_cookie_is_no_token(visitor: Visitor) -> None:
    """Being signed in updates nothing: the endpoints know tokens only."""
    client, _ = visitor.signed_in()
    assert client.get("/nic/update?hostname=h").status == 401
    assert visitor.networks == []


@pytest.mark.parametrize(
    "header",
    ["X_Forwarded_For", "Forwarded", "X_Real_IP", "CF_Connecting_IP", "True_Client_IP"],
)
def test_headers_do_not_change_who_is_registered(updater: Updater, header: str) -> None:
    """From a peer that is no named proxy such a header is refused on loopback, never obeyed."""
    status, text = updater.get(**{header: "8.8.8.8"})
    assert (status, text) == (503, "911\n")
    assert updater.networks == []


def test_public_installation_refuses_private_senders(start_registry: StartServer) -> None:
    """Without PRIVATE_SOURCES a router whose request arrives with a private address is `abuse`."""
    updater = updater_of(visitor_of(start_registry(private_sources="0")))
    assert updater.get() == (200, "abuse\n")
    status, text = updater.get(f"/u/{updater.token}")
    assert status == 403
    assert "loopback" in text
    assert updater.networks == []


def test_token_that_changes_all_the_time_is_abuse(updater: Updater) -> None:
    """Two homes that share a token do not keep every resolver busy: after 30 changes it waits."""
    addresses = [updater.visitor.address, updater.visitor.address.replace("127.1.", "127.2.")]
    replies = [updater.get(source=addresses[n % 2])[1] for n in range(MOST_CHANGES + 1)]
    assert all(reply.startswith("good ") for reply in replies[:-1])
    assert replies[-1] == "abuse\n"
    assert updater.get(source=addresses[(MOST_CHANGES - 1) % 2])[1].startswith("nochg ")


def test_database_away_is_503_911(tmp_path: Path) -> None:
    """Trouble on our side is not the router's: inadyn retries on 503 and gives up on 200."""
    engine = make_engine(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    updates = UpdateEndpoints(pages, AddressRules(), make_sessions(engine), make_readers(engine))
    arrival = SenderMiddleware(updates, "http://localhost", frozenset(), ".check.localhost", ())
    started: list[object] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/nic/update",
        "QUERY_STRING": "hostname=h",
        "REMOTE_ADDR": "8.8.8.8",
        "HTTP_AUTHORIZATION": "Basic OnNlY3JldA==",
    }
    body = arrival(environ, lambda status, headers: started.extend([status, dict(headers)]))
    assert (started[0], list(body)) == ("503 Service Unavailable", [b"911\n"])
    assert started[1]["Retry-After"] == "600"  # type: ignore[index]
    engine.dispose()


def pages(_environ: object, _start_response: object) -> list[bytes]:
    """Stand where the pages would; nothing here gets that far."""
    pytest.fail("not an update")
