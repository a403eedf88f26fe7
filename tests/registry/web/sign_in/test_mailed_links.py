"""Sign-up, confirmation, reset and change of e-mail, through a real SMTP server."""

import datetime
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine

from registry.models import Account
from registry.web.sign_in.invitation import make_invitation
from tests.peers.certificates import self_signed
from tests.peers.form_client import FormClient
from tests.peers.mail_server import MailServer
from tests.peers.registry_server import PASSWORD, RegistryServer
from tests.peers.waiting import wait_until
from tests.registry.databases import create_postgresql_database
from tests.registry.web.conftest import StartServer, new_address, served

SECRET = "0123456789abcdef" * 3


@pytest.fixture(scope="module")
def mail_server() -> Iterator[MailServer]:
    """Receive mail for the tests of this file."""
    server = MailServer()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def server(
    mail_server: MailServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RegistryServer]:
    """Serve a registry that is open for sign-up."""
    directory = tmp_path_factory.mktemp("open")
    url = f"smtp://127.0.0.1:{mail_server.port}"
    yield from served(
        f"sqlite:///{directory / 'registry.sqlite'}", directory, sign_up="open", mail_url=url
    )


@pytest.fixture
def email() -> str:
    """Give an address of the test's own."""
    return f"somebody{new_address().replace('.', '-')}@example.com"


def browser(server: RegistryServer) -> FormClient:
    """Open a browser at an address that nobody else uses."""
    return FormClient(server.url, new_address())


def link_in(text: str, server: RegistryServer) -> str:
    """Find the one link of a mail, which must lead to the page's public URL."""
    links = re.findall(r"https?://\S+", text)
    assert links[0].startswith(f"{server.url}/")
    return links[0].removeprefix(server.url)


def sign_up(client: FormClient, email: str) -> str:
    """Send the sign-up form; give the text of the page that follows."""
    form = client.get("/sign-up").form("Create an account")
    return client.submit(form, email=email, password=PASSWORD).text


@pytest.mark.processes
def test_signing_up_works_once_the_mailed_link_was_confirmed(
    server: RegistryServer, mail_server: MailServer, email: str
) -> None:
    """Before confirming nobody gets in; opening the link confirms nothing, its button does."""
    client = browser(server)
    assert "We have sent you a mail" in sign_up(client, email)
    path = link_in(mail_server.next_to(email), server)
    assert "e-mail address or the password is wrong" in client.sign_in(email, PASSWORD).text
    page = client.get(path)
    assert "e-mail address or the password is wrong" in client.sign_in(email, PASSWORD).text
    assert "is confirmed" in client.submit(page.form("Confirm")).text
    assert "This network" in client.sign_in(email, PASSWORD).text


@pytest.mark.processes
def test_a_button_pressed_twice_makes_one_account(
    server: RegistryServer, mail_server: MailServer, email: str
) -> None:
    """Both replies say the same, and the link of the later mail confirms it, too."""
    client = browser(server)
    form = client.get("/sign-up").form("Create an account")
    values = {**form.values, "email": email, "password": PASSWORD}

    def press(_: int) -> int:
        return client.request("POST", form.action, values).status

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(press, range(2))) == [302, 302]
    mails = [mail_server.next_to(email) for _ in range(2)]
    # If the second came late after all, its mail says that there is an account already.
    links = [link_in(mail, server) for mail in mails if "You already have one" not in mail]
    last = [client.get(link).form("Confirm") for link in links][-1]
    assert "is confirmed" in client.submit(last).text
    assert "This network" in browser(server).sign_in(email, PASSWORD).text


@pytest.mark.processes
def test_signing_up_twice_looks_the_same_and_tells_the_owner_by_mail(
    server: RegistryServer, mail_server: MailServer, email: str
) -> None:
    """The page answers alike whether or not the e-mail is known; the mail tells its owner."""
    server.add_account(email)
    known, unknown = browser(server), browser(server)
    texts = {
        re.sub(r'value="[^"]*"', "", sign_up(known, email)),
        re.sub(r'value="[^"]*"', "", sign_up(unknown, f"nobody-{email}")),
    }
    assert len(texts) == 1
    assert "You already have one" in mail_server.next_to(email)
    mail_server.next_to(f"nobody-{email}")


@pytest.mark.processes
def test_a_reset_link_works_once_and_not_after_a_change(
    server: RegistryServer, mail_server: MailServer, email: str
) -> None:
    """The mailed link sets a new password, ends sessions, and is then worth nothing."""
    server.add_account(email)
    client, signed_in = browser(server), browser(server)
    signed_in.sign_in(email, PASSWORD)
    client.submit(client.get("/forgot").form("Send the link"), email=email)
    path = link_in(mail_server.next_to(email), server)
    form = client.get(path).form("Set the password")
    new = {"password": "another long password", "password_confirm": "another long password"}
    assert "Your new password is set" in client.submit(form, **new).text
    assert signed_in.get("/").path.startswith("/sign-in")
    assert "was reset" in mail_server.next_to(email)
    assert "no longer valid" in client.get(path).text
    again = client.submit(form, **new)
    assert "no longer valid" in again.text
    assert "This network" in client.sign_in(email, "another long password").text


@pytest.mark.processes
def test_forgetting_looks_the_same_for_unknown_accounts(
    server: RegistryServer, mail_server: MailServer, email: str
) -> None:
    """The same words for a known and an unknown e-mail; a mail to the known one only."""
    server.add_account(email)
    texts = set()
    for each in (email, f"nobody-{email}"):
        client = browser(server)
        page = client.submit(client.get("/forgot").form("Send the link"), email=each)
        texts.add(re.sub(r'value="[^"]*"', "", page.text))
    assert len(texts) == 1
    mail_server.next_to(email)
    assert mail_server.empty


@pytest.mark.processes
def test_a_new_email_counts_from_its_confirmation_on(
    server: RegistryServer, mail_server: MailServer, email: str
) -> None:
    """The form asks for the password; the link's button makes the change, the old one is gone."""
    server.add_account(email)
    client = browser(server)
    client.sign_in(email, PASSWORD)
    form = client.get("/account/email").form("Send the link")
    page = client.submit(form, email=f"new-{email}", password="wrong")
    assert "This is not your password" in page.text
    client.submit(form, email=f"new-{email}", password=PASSWORD)
    path = link_in(mail_server.next_to(f"new-{email}"), server)
    page = client.submit(client.get(path).form("Confirm"))
    assert "Your new e-mail address is set" in page.text
    fresh = browser(server)
    assert "e-mail address or the password is wrong" in fresh.sign_in(email, PASSWORD).text
    assert "This network" in fresh.sign_in(f"NEW-{email}", PASSWORD).text


@pytest.fixture
def server_on_postgresql(
    mail_server: MailServer, postgresql_server: str, tmp_path: Path
) -> Iterator[RegistryServer]:
    """Serve one where two changes may be under way at the same time."""
    mail_url = f"smtp://127.0.0.1:{mail_server.port}"
    with create_postgresql_database(postgresql_server) as url:
        yield from served(url, tmp_path, mail_url=mail_url)


def test_of_two_who_confirm_the_same_email_at_once_the_second_is_told(
    server_on_postgresql: RegistryServer, mail_server: MailServer, email: str
) -> None:
    """Who is a moment late reads what who is later reads, and no log has the address."""
    server, new = server_on_postgresql, f"new-{email}"
    server.add_account(email)
    first = server.add_account(f"first-{email}")
    client = browser(server)
    client.sign_in(email, PASSWORD)
    client.submit(client.get("/account/email").form("Send the link"), email=new, password=PASSWORD)
    button = client.get(link_in(mail_server.next_to(new), server)).form("Confirm")
    with ThreadPoolExecutor(1) as threads:
        with server.sessions.begin() as session:
            session.get_one(Account, first).email = new
            session.flush()
            page = threads.submit(client.submit, button)
            wait_until(lambda: blocked(server.engine) == 1)
        told = page.result()
    assert told.status == 200
    later = client.submit(button)
    for each in (told, later):
        assert "no longer valid" in each.text
        assert "Your new e-mail address is set" not in each.text
    assert "This network" in browser(server).sign_in(email, PASSWORD).text
    assert new not in postgresql_log(server.engine)


def blocked(engine: Engine) -> int:
    """How many connections to this database wait for another's transaction."""
    query = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with engine.connect() as connection:
        count: int = connection.exec_driver_sql(query).scalar_one()
    return count


def postgresql_log(engine: Engine) -> str:
    """All that the server has written so far."""
    with engine.connect() as connection:
        folder = Path(connection.exec_driver_sql("SHOW data_directory").scalar_one())
    return (folder / "log").read_text(encoding="utf-8")


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "Forwarded"])
@pytest.mark.processes
def test_no_header_leads_a_mailed_link_elsewhere(
    server: RegistryServer, mail_server: MailServer, email: str, header: str
) -> None:
    """Links in mails come from PUBLIC_URL, whatever the request says about its host."""
    server.add_account(email)
    client = browser(server)
    form = client.get("/forgot").form("Send the link")
    value = "127.0.0.9" if header == "Host" else "host=evil.example"
    client.request("POST", form.action, {**form.values, "email": email}, {header: value})
    if header != "Forwarded":  # which a loopback peer may not send at all
        text = mail_server.next_to(email)
        assert "127.0.0.9" not in text
        assert "evil.example" not in text
        link_in(text, server)
    assert mail_server.empty


def test_by_invitation_only_the_invited_address_may_sign_up(
    start_registry: StartServer, mail_server: MailServer, email: str
) -> None:
    """Without, with a forged or with another's invitation: 403; with one's own: welcome."""
    url = f"smtp://127.0.0.1:{mail_server.port}"
    server = start_registry(sign_up="invitation", mail_url=url)
    client = browser(server)
    assert client.get("/sign-up").status == 403
    assert client.get("/sign-up?invitation=forged").status == 403
    invitation = make_invitation(SECRET, email)
    form = client.get(f"/sign-up?invitation={invitation}").form("Create an account")
    refused = client.submit(form, email="other@example.com", password=PASSWORD)
    assert refused.status == 403
    assert "We have sent you a mail" in client.submit(form, email=email, password=PASSWORD).text
    link_in(mail_server.next_to(email), server)


def test_closed_means_that_there_is_no_sign_up(start_registry: StartServer) -> None:
    """No page, no link to one."""
    client = FormClient(start_registry().url)
    assert client.get("/sign-up").status == 404
    assert "/sign-up" not in client.get("/sign-in").text


def test_mail_goes_over_tls_and_only_to_a_server_that_proves_itself(
    start_registry: StartServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, email: str
) -> None:
    """With STARTTLS and a trusted certificate mail arrives encrypted."""
    pair = self_signed("localhost", tmp_path, datetime.timedelta(days=1))
    mail_server = MailServer(pair)
    monkeypatch.setenv("SSL_CERT_FILE", str(pair.certificate))
    try:
        server = start_registry(mail_url=f"smtp://localhost:{mail_server.port}")
        server.add_account(email)
        client = browser(server)
        client.submit(client.get("/forgot").form("Send the link"), email=email)
        link_in(mail_server.next_to(email), server)
        assert server.stop() == 0  # it still waits for the other's word that it has the mail
    finally:
        mail_server.stop()


def test_without_a_mail_server_mails_lie_in_a_folder(
    start_registry: StartServer, tmp_path: Path, email: str
) -> None:
    """For trials each mail is a file; stopping the registry writes what is still waiting."""
    server = start_registry(mail_url=str(tmp_path / "mails"))
    server.add_account(email)
    client = browser(server)
    client.submit(client.get("/forgot").form("Send the link"), email=email)
    assert server.stop() == 0
    (file,) = (tmp_path / "mails").glob("*.eml")
    assert email in file.read_text()
