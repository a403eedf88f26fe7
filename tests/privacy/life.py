"""One life of an installation under strace, with everything around it that it talks to."""

import contextlib
import datetime
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cli.audit.canaries import Canaries
from cli.audit.report import AuditReport
from cli.audit.traffic import Traffic
from tests.peers.certificates import CertificatePair, self_signed
from tests.peers.form_client import FormClient
from tests.peers.installation import RELAY
from tests.peers.mail_server import MailServer
from tests.peers.name_server import ZONES, NameServer
from tests.peers.ports import free_port
from tests.peers.video_origin import VideoOrigin
from tests.privacy.odd_upstream import SUFFIX, OddUpstream, odd_upstream
from tests.privacy.system_calls import Known
from tests.privacy.traced import TracedInstallation

FAULTS = Path(__file__).parent / "faults"
STEERED, FILM = "netflix.com", "film.example"
ABROAD, EXIT = "abroad.example", "127.0.0.9"
"""A service of another region, and the address by which the relay leaves for that region."""
_FILM_ZONE = """
@ 300 SOA ns.example.com. hostmaster.example.com. 1 3600 600 86400 60
@ 300 NS ns.example.com.
* 300 A 127.0.0.1
"""
_SERVICE = 'title = "Film"\nregions = ["{}"]\nsuffixes = ["{}"]\n'
_DYNAMIC = "example.net"


@dataclass
class Life:
    """An installation, its peers, and the canaries: of three kinds, as three may be told them."""

    folder: Path
    upstream: NameServer
    odd: OddUpstream
    origins: tuple[VideoOrigin, VideoOrigin]
    mails: MailServer
    installation: TracedInstallation
    asker: Canaries
    """Addresses of the household, and what comes with its questions."""
    account: Canaries
    """What the database holds."""
    gone: Canaries
    """What it held about an account that was deleted."""
    traffic: Traffic = field(default_factory=lambda: Traffic(AuditReport()))
    """Names, fields of forms, addresses of strangers."""
    home: str = ""
    moved: str = ""
    hostname: str = ""
    dns_tls: int = field(default_factory=free_port)
    film: bytes = field(default_factory=lambda: os.urandom(300_000))

    def browser(self, source: str) -> FormClient:
        """Open a browser at an address; nobody is signed in."""
        return FormClient(f"http://127.0.0.1:{self.installation.web}", source)

    def known(self) -> Known:
        """Say whom this installation may talk to, and what about."""
        here = self.installation
        tls, http = self.origins
        state = here.state
        ports = (self.upstream.port, self.odd.port, tls.port, http.port, self.mails.port, 443, 80)
        return Known(
            listening=frozenset({here.dns, here.web, here.tls, here.http, self.dns_tls}),
            peers=frozenset(
                {f"{RELAY}:443", f"{RELAY}:80", *(f"127.0.0.1:{port}" for port in ports)}
            ),
            redis=str(state / "redis" / "redis.sock"),
            words=self.traffic.canaries.needles(),
            asker=self.asker.needles(),
            account=self.account.needles() | self.gone.needles(but=self.moved),
            database=str(state / "registry.sqlite"),
        )

    def start(self) -> None:
        """Start it with everything switched on, in a build that breaks where it is told to."""
        pair = _certificate(self.folder)
        self.installation.start(
            relay_private_origins="1",
            relay_origin_ports=",".join(str(origin.port) for origin in self.origins),
            forward_suffixes=f"{SUFFIX}=127.0.0.1:{self.odd.port}",
            dns_certificate=str(pair.certificate),
            dns_key=str(pair.key),
            dns_tls_listen=f"127.0.0.1:{self.dns_tls}",
            sign_up="open",
            mail_url=f"smtp://127.0.0.1:{self.mails.port}",
            follow_hostnames="1",
            relay_exits=f"*=direct de={EXIT}",
            relay_upstreams=f"de=127.0.0.1:{self.upstream.port}",
            client_rate="0",
            refused_rate="0",
        )

    @property
    def said(self) -> str:
        """Standard error of all its processes so far."""
        return self.installation.output.read_text()

    def link_in_mail_to(self, email: str) -> str:
        """Wait for the mail to somebody and give the path that its link leads to."""
        link = re.search(r"https?://[^/\s]+(/\S+)", self.mails.next_to(email))
        assert link is not None
        return link[1]


@contextlib.contextmanager
def life(folder: Path) -> Iterator[Life]:
    """Start everything around an installation, which the caller starts and stops."""
    for name in ("film", "zones", "names"):
        (folder / name).mkdir()
    (folder / "zones" / "film.toml").write_text(_SERVICE.format("gb", FILM))
    (folder / "zones" / "abroad.toml").write_text(_SERVICE.format("de", ABROAD))
    account, asker, gone = Canaries(), Canaries(), Canaries()
    home, moved = asker.address("address of a household"), asker.address("address of another")
    gone.sent[moved] = "address of a household that left"
    label = account.word("host name that is followed")
    zone = f"{ZONES[_DYNAMIC]}{label} 1 A {moved}\n"
    names = NameServer(
        folder / "names", {**ZONES, FILM: _FILM_ZONE, ABROAD: _FILM_ZONE, _DYNAMIC: zone}
    )
    with contextlib.ExitStack() as peers, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(FAULTS))
        patch.setenv("FAULTS", f"127.0.0.1:{names.port}")
        names.start()
        peers.callback(names.kill)
        mails = MailServer()
        peers.callback(mails.stop)
        tls = VideoOrigin(folder / "film", _certificate(folder))
        peers.callback(tls.close)
        http = VideoOrigin(folder / "film")
        peers.callback(http.close)
        installation = TracedInstallation(
            folder, f"127.0.0.1:{names.port}",
            "--zones", str(folder / "zones"), "--relay-address", "gb=127.0.0.1",
            "--relay-address", "de=127.0.0.1",
        )  # fmt: skip
        odd = peers.enter_context(odd_upstream())
        made = Life(folder, names, odd, (tls, http), mails, installation, asker, account, gone)
        made.home, made.moved, made.hostname = home, moved, f"{label}.{_DYNAMIC}"
        (folder / "film" / "film").write_bytes(made.film)
        yield made


def _certificate(folder: Path) -> CertificatePair:
    return self_signed(f"any.{FILM}", folder, datetime.timedelta(days=1))
