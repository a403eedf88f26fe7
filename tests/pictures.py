"""`python -m tests.pictures`: takes the pictures of the README from a running installation.

Writes docs/pictures/page.png, and prints what `mediastreamer status` says.
"""

import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.peers.browser import ChromiumThread
from tests.peers.installation import Installation
from tests.peers.name_server import NameServer

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "page.png"
SIZE = {"width": 900, "height": 800}


def main() -> None:
    """Start an installation, register, and look at the page."""
    with tempfile.TemporaryDirectory() as folder:
        names = NameServer(Path(folder))
        names.start()
        here = Installation(Path(folder), f"127.0.0.1:{names.port}")
        here.start()
        chromium = ChromiumThread()
        try:
            chromium.visit(lambda page: take(page, here), size=SIZE)
            print(here.command("status").stdout)  # noqa: T201 - what it is for
        finally:
            chromium.close()
            here.stop()
            names.kill()


def take(page: Page, here: Installation) -> None:
    """Sign in, press the button, and keep what is seen then."""
    email, password = (here.state / "sign-in").read_text().split()
    page.goto(f"http://127.0.0.1:{here.web}")
    page.locator("#email").fill(email)
    page.locator("#password").fill(password)
    page.locator("button.main").click()
    page.get_by_role("button", name="Register my IP address").click()
    expect(page.get_by_role("heading", name="This network is registered")).to_be_visible()
    PICTURE.parent.mkdir(exist_ok=True)
    page.screenshot(path=str(PICTURE))


if __name__ == "__main__":
    main()
