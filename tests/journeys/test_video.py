"""A household registers, resolves, and plays a film that comes through the relay."""

import contextlib
import datetime
import hashlib
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.peers.browser import DESKTOP, ChromiumThread
from tests.peers.certificates import CertificatePair, self_signed
from tests.peers.installation import Installation
from tests.peers.missing import require_program
from tests.peers.name_server import ZONES, NameServer
from tests.peers.video_origin import SECONDS, VideoOrigin, make_film
from tests.peers.waiting import wait_until

pytestmark = pytest.mark.processes

HOST = "video.film.example"
OTHER = "www.example.com"
ZONE = """
@     300 SOA ns.example.com. hostmaster.example.com. 1 3600 600 86400 60
@     300 NS ns.example.com.
video 300 A 127.0.0.1
"""
SERVICE = 'title = "Film"\nregions = ["gb"]\nsuffixes = ["film.example"]\n'


@dataclass
class Cinema:
    """Everything that a household and a streaming service have."""

    installation: Installation
    folder: Path
    pair: CertificatePair

    @property
    def where(self) -> tuple[str, int]:
        """The relay that the name resolves to."""
        said = self.installation.dig(HOST, "A", "+short").split()
        return said[0], self.installation.tls

    def fetch(self, name: str, scheme: str = "https") -> bytes:
        """Fetch with curl as a device would: the name's address, the relay's port."""
        tls = scheme == "https"
        port = self.installation.tls if tls else self.installation.http
        done = subprocess.run(
            [
                require_program("curl", "curl"), "--silent", "--show-error", "--fail",
                "--max-time", "20", "--cacert", str(self.pair.certificate), "--connect-to",
                f"{HOST}:{443 if tls else 80}:{self.where[0]}:{port}", f"{scheme}://{HOST}/{name}",
            ],
            capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def cinema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cinema]:
    """A running installation, a registered household, and a service with a film."""
    require_program("dig", "bind9-dnsutils")
    folder = tmp_path_factory.mktemp("cinema")
    for name in ("film", "zones", "names", "installation"):
        (folder / name).mkdir()
    make_film(folder / "film")
    (folder / "zones" / "film.toml").write_text(SERVICE)
    pair = self_signed(HOST, folder, datetime.timedelta(days=1))
    tls, plain = VideoOrigin(folder / "film", pair), VideoOrigin(folder / "film")
    names = NameServer(folder / "names", {**ZONES, "film.example": ZONE})
    names.start()
    installation = Installation(
        folder / "installation", f"127.0.0.1:{names.port}",
        "--zones", str(folder / "zones"), "--relay-address", "gb=127.0.0.1",
    )  # fmt: skip
    try:
        installation.start(relay_private_origins="1", relay_origin_ports=f"{tls.port},{plain.port}")
        made = Cinema(installation, folder / "film", pair)
        register(made)
        yield made
    finally:
        installation.stop()
        names.kill()
        tls.close()
        plain.close()


def register(cinema: Cinema) -> None:
    """Press the button and wait until the name leads to the relay."""
    browser = cinema.installation.browser()
    browser.submit(browser.get("/").form("Register my IP address"))
    cinema.installation.dig_until("127.0.0.1", HOST, "+short")


def test_a_browser_plays_a_segmented_film_to_its_end(cinema: Cinema) -> None:
    """Page, playlist and every segment come through the relay, with a browser's ClientHello."""
    address, port = cinema.where
    browser = ChromiumThread(
        f"--host-resolver-rules=MAP {HOST} {address}:{port}, MAP * ~NOTFOUND",
        "--ignore-certificate-errors",
        "--autoplay-policy=no-user-gesture-required",
    )

    def watch(page: Page) -> dict[str, float]:
        page.goto(f"https://{HOST}/")
        seen: dict[str, float] = page.evaluate("play()")
        return seen

    try:
        seen = browser.visit(watch, size=DESKTOP)
    finally:
        browser.close()
    assert seen["segments"] == SECONDS / 2
    assert seen["width"] == 320
    assert seen["seconds"] > SECONDS - 0.5


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_curl_fetches_every_segment_unchanged(cinema: Cinema, scheme: str) -> None:
    """Over TLS, where the certificate proves the origin, and over plain HTTP."""
    for file in sorted(cinema.folder.iterdir()):
        assert cinema.fetch(file.name, scheme) == file.read_bytes()


def test_openssl_verifies_the_origins_own_certificate(cinema: Cinema) -> None:
    """The relay decrypts nothing: the chain is the origin's."""
    address, port = cinema.where
    done = subprocess.run(
        [
            require_program("openssl", "openssl"), "s_client", "-connect", f"{address}:{port}",
            "-servername", HOST, "-CAfile", str(cinema.pair.certificate),
            "-verify_return_error", "-verify_hostname", HOST,
        ],
        input=b"", capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert b"Verification: OK" in done.stdout, done.stderr


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_pythons_ssl_speaks_with_the_origin_in_both_versions(
    cinema: Cinema, version: ssl.TLSVersion
) -> None:
    """Older devices have no TLS 1.3."""
    context = cinema.pair.trusting_context()
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(cinema.where, timeout=60) as raw,
        context.wrap_socket(raw, server_hostname=HOST) as client,
    ):
        request = f"GET /film.m3u8 HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
        client.sendall(request.encode())
        said = b"".join(iter(lambda: client.recv(65_536), b""))
    playlist = (cinema.folder / "film.m3u8").read_bytes()
    assert hashlib.sha256(said.partition(b"\r\n\r\n")[2]).digest() == (
        hashlib.sha256(playlist).digest()
    )


def test_other_names_and_other_addresses_get_nothing(cinema: Cinema) -> None:
    """The relay is open neither for the rest of the net nor for the neighbours."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(cinema.where, timeout=60) as raw,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(raw, server_hostname=OTHER)
    with (
        socket.create_connection(
            cinema.where, timeout=60, source_address=("127.0.0.2", 0)
        ) as neighbour,
    ):
        assert neighbour.recv(1) == b""


def test_removing_the_address_cuts_the_film_within_five_seconds(cinema: Cinema) -> None:
    """Open connections end; registering again brings it back."""
    context = cinema.pair.trusting_context()
    with (
        socket.create_connection(cinema.where, timeout=60) as raw,
        context.wrap_socket(raw, server_hostname=HOST) as client,
    ):
        browser = cinema.installation.browser()
        browser.submit(browser.get("/").form("Turn MediaStreamer off and forget all my addresses"))
        client.settimeout(60)
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
    register(cinema)
    wait_until(lambda: cinema.fetch("film.m3u8").startswith(b"#EXTM3U"))
