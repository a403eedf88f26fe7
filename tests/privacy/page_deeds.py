"""Canaries on every way into the registry: pages, forms, updaters, mails, exceptions."""

import base64
import html
import re

from sqlalchemy import select

from cli.audit.traffic import visit_pages
from registry.actions.addresses.slots import open_slot
from registry.database.engine import make_engine, make_sessions
from registry.models import Account, SlotKind
from smartdns.contract.addresses import parse_socket_address
from tests.peers.form_client import FormClient
from tests.peers.waiting import wait_until
from tests.privacy.dns_deeds import is_steered
from tests.privacy.life import Life

PASSWORD = "a long enough password"


def register_the_household(life: Life) -> None:
    """Press the button from the household's address, and wait until it is let in."""
    email, password = (life.installation.state / "sign-in").read_text().split()
    browser = life.browser(life.home)
    browser.sign_in(email, password)
    browser.submit(browser.get("/").form("Register my IP address"))
    wait_until(lambda: is_steered(life))


def send_to_the_page(life: Life) -> None:
    """Visits that lead nowhere, a wrong sign-in, a wrong token, a body that is too large."""
    page = parse_socket_address(f"127.0.0.1:{life.installation.web}")
    visit_pages(life.traffic, page, str(page), tls=False)
    visitor = life.traffic.canaries.address("address of a visitor")
    browser = life.browser(visitor)

    def signs_in_wrongly(word: str) -> bool:
        said = browser.sign_in(f"{word}@example.com", word).text
        return "e-mail address or the password is wrong" in said

    def forgets(word: str) -> bool:
        form = browser.get("/forgot").form("Send the link")
        return browser.submit(form, email=f"{word}@example.com").status == 200

    def sends_too_much(word: str) -> bool:
        body = {"email": word * 3000, "password": word}
        try:
            return browser.request("POST", "/sign-in", body).status == 413
        except ConnectionError:
            return True  # it was closed before all of it was sent

    def is_updated_wrongly(word: str) -> bool:
        path = f"/nic/update?hostname={word}.example.com&myip={visitor}"
        basic = base64.b64encode(f"{word}:{word}".encode()).decode()
        return browser.get(path, Authorization=f"Basic {basic}").text.strip() == "badauth"

    def says_where_from(word: str) -> bool:
        return browser.get("/sign-in", **{"X-Forwarded-For": word, "Forwarded": word}).status < 600

    life.traffic.send("sign-in that fails", signs_in_wrongly)
    life.traffic.send("password that nobody has forgotten", forgets)
    life.traffic.send("form that is too large", sends_too_much)
    life.traffic.send("router's update that fails", is_updated_wrongly)
    life.traffic.send("header of a proxy that nobody named", says_where_from)
    life.traffic.send("page in which PageFault is raised", lambda word: breaks(browser, word))
    life.traffic.send("update in which UpdateFault is raised", lambda word: ends(browser, word))


def breaks(browser: FormClient, word: str) -> bool:
    """Say whether the page fails, and without a word of the request."""
    page = browser.request("GET", f"/sign-in?{word}=faultpage")
    return page.status == 500 and word not in page.text


def ends(browser: FormClient, word: str) -> bool:
    """Say whether the update fails, and without a word of the request."""
    basic = base64.b64encode(f"any:{'a' * 40}".encode()).decode()
    page = browser.request(
        "GET",
        f"/nic/update?hostname={word}.faultupdate.com",
        headers={"Authorization": f"Basic {basic}"},
    )
    return page.status == 500 and word not in page.text


def follow_a_name(life: Life) -> None:
    """Let the owner's account have a host name that is followed, which only a public one can be."""
    engine = make_engine(f"sqlite:///{life.installation.state / 'registry.sqlite'}")
    with make_sessions(engine).begin() as session:
        account_id = session.scalars(select(Account.id)).one()
        open_slot(session, account_id, SlotKind.HOSTNAME, limit=9, hostname=life.hostname)
    engine.dispose()


def times_followed(life: Life) -> int:
    """Count the look-ups of that name so far."""
    label = life.hostname.partition(".")[0]
    return sum("sendto(" in line and label in line for line in life.installation.lines())


def live_an_account(life: Life) -> None:
    """Sign-up, mail, confirmation, sign-in, choices, updater, host name, export, deletion."""
    email = f"{life.gone.word('e-mail address of an account')}@example.com"
    browser = life.browser(life.moved)
    browser.submit(
        browser.get("/sign-up").form("Create an account"), email=email, password=PASSWORD
    )
    browser.submit(browser.get(life.link_in_mail_to(email)).form("Confirm"))

    def signs_in(word: str) -> bool:
        headers = {"User-Agent": word, "Referer": f"http://127.0.0.1:{life.installation.web}/"}
        browser.headers = headers
        return "This network" in browser.sign_in(email, PASSWORD).text

    def is_looked_up(_: str) -> bool:
        form = browser.get("/updaters").form("Follow it")
        said = browser.submit(form, hostname=life.hostname).text
        return "no name server knows a public address for it" in said  # loopback is not public

    def updates(word: str) -> bool:
        form = browser.get("/updaters").form("Create an updater")
        label = life.gone.word("label of an updater")
        made = html.unescape(browser.submit(form, label=label, password=PASSWORD).text)
        link = re.search(r'<code id="link">[a-z]+://[^/]+([^<]+)</code>', made)
        assert link is not None
        return life.browser(life.moved).get(f"{link[1]}?{word}").text.startswith("good")

    def is_shown(_: str) -> bool:
        form = browser.get("/account").form("Show it")
        return email in browser.submit(form, password=PASSWORD).text

    def leaves(_: str) -> bool:
        form = browser.get("/account").form("Delete my account permanently")
        return browser.submit(form, password=PASSWORD).status == 200

    life.traffic.send("sign-in", signs_in)
    life.traffic.send("host name that is to be followed", is_looked_up)
    life.traffic.send("router's update", updates)
    life.traffic.send("account that is shown", is_shown)
    life.traffic.send("account that is deleted", leaves)
