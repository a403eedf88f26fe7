"""One way through the pages, as a person with a browser of one kind goes it."""

import email
import email.policy
import re
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.peers.browser import DESKTOP, PHONE, ChromiumThread, serious_findings, take_picture
from tests.peers.registry_server import RegistryServer
from tests.peers.waiting import wait_until


@dataclass(frozen=True)
class Round:
    """With script on a phone's screen, or without on a desktop's."""

    chromium: ChromiumThread
    server: RegistryServer
    script: bool

    def visit(self, walk: Callable[[Page], None]) -> None:
        """Let `walk` use a window of its own."""
        size = PHONE if self.script else DESKTOP
        self.chromium.visit(walk, size=size, script=self.script)

    def look(self, page: Page, name: str) -> None:
        """Nothing on this page keeps anybody out or sticks out."""
        if self.script:
            assert serious_findings(page) == []
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
        take_picture(page, f"account-{name}-{self.script}")

    def mailed_link(self, recipient: str) -> str:
        """Give the link of the only mail to `recipient`, which must lead to the page."""
        wait_until(lambda: bool(self._mails(recipient)))
        (text,) = self._mails(recipient)
        found = re.search(r"https?://\S+", text)
        assert found is not None
        assert found[0].startswith(f"{self.server.url}/")
        return found[0]

    def _mails(self, recipient: str) -> list[str]:
        files = sorted((self.server.directory / "mails").glob("*.eml"))
        mails = [
            email.message_from_bytes(each.read_bytes(), policy=email.policy.default)
            for each in files
        ]
        return [mail.get_content() for mail in mails if mail["To"] == recipient]


def fill_in(page: Page, **values: str) -> None:
    """Fill in the fields of these ids and send the form with its main button."""
    for name, value in values.items():
        page.locator(f"#{name}").fill(value)
    page.locator("button.main").click()


def says(page: Page, text: str) -> None:
    """The page brings this news."""
    expect(page.locator("#news")).to_contain_text(text)
