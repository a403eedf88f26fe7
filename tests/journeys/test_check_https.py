"""Is it working? over https: the relay decrypts nothing, so the registry ends the handshake."""

import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.peers.browser import ChromiumThread, take_picture
from tests.peers.certificates import self_signed
from tests.peers.household_device import HouseholdDevice
from tests.peers.installation import Installation
from tests.peers.name_server import NameServer

HOST = "dns.page.test"


@pytest.mark.parametrize("script", [True, False])
def test_the_check_finds_the_relay_over_https(
    tmp_path: Path, name_server_of_the_session: NameServer, *, script: bool
) -> None:
    """Page and pictures come over TLS that ends at the registry; a real relay passes it on."""
    pair = self_signed(HOST, tmp_path, datetime.timedelta(days=1), f"*.check.{HOST}")
    upstream = f"127.0.0.1:{name_server_of_the_session.port}"
    home = Installation(tmp_path, upstream, relay="127.0.0.1")
    home.start(
        public_url=f"https://{HOST}:{home.web}", web_certificate=str(pair.certificate),
        web_key=str(pair.key), check_names="1", check_addresses="127.0.0.1",
        check_listen="127.0.0.1:0",
    )  # fmt: skip
    device = HouseholdDevice({443: home.tls})
    device.hosts[HOST], device.servers = "127.0.0.1", [("127.0.0.1", home.dns)]
    browser = ChromiumThread(*device.browser_arguments, pair.chromium_argument)

    def walk(page: Page) -> None:
        page.goto(f"https://{HOST}:{home.web}/tv")
        if script:
            expect(page.locator(".remedy:visible")).to_contain_text(
                "Everything is as it should be.", timeout=30_000
            )
            expect(page.locator("[data-step=relay] .mark")).to_have_text("yes")
        else:
            page.wait_for_load_state("networkidle")
            widths = page.locator(".tick").evaluate_all("all => all.map(i => i.naturalWidth)")
            assert widths[0] == widths[-1] == 88
        take_picture(page, f"check-https-{script}")

    try:
        email = (home.state / "sign-in").read_text().split()[0]
        assert home.command("address", "add", email, "127.0.0.1").returncode == 0
        home.dig_until("127.0.0.1", "www.netflix.com", "+short")
        browser.visit(walk, script=script)
    finally:
        browser.close()
        device.close()
        home.stop()
