"""The registry as a process of its own, with an account or two, as an operator would run it."""

import functools
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import select

from registry.actions.accounts.adding import add_account
from registry.actions.sign_in import hash_password
from registry.database.engine import make_engine, make_sessions
from registry.models import Account
from tests.peers.cheap_hashes import cheap_hashes
from tests.peers.ports import free_port
from tests.peers.waiting import HANG_S
from zones.catalog import Catalog
from zones.load import load_catalog

PASSWORD = "correct horse battery"


@functools.cache
def _catalog() -> Catalog:
    """150 files, read once."""
    return load_catalog()


@functools.cache
def _password_hash(*, real: bool) -> str:
    """argon2 takes its time on purpose; once is enough here."""
    with ExitStack() if real else cheap_hashes():
        return hash_password(PASSWORD, "")


class RegistryServer:
    """A running registry; its database may be looked into and changed from outside."""

    def __init__(
        self,
        database_url: str,
        directory: Path,
        *,
        name_server: str = "",
        real_hashes: bool = False,
        **settings: str,
    ) -> None:
        """`name_server`: port of one on loopback that followed names are asked of.

        `real_hashes`: passwords cost what they cost in the product.
        """
        self._name_server = name_server
        self._real_hashes = real_hashes
        self.port = free_port()
        self.url = settings.get("public_url", f"http://127.0.0.1:{self.port}")
        self.directory = directory
        self.database_url = database_url
        self.output = directory / "output"
        self._settings = {
            "database_url": database_url,
            "web_listen": f"127.0.0.1:{self.port}",
            "public_url": self.url,
            "private_sources": "1",
            "secret_key": "0123456789abcdef" * 3,
            "dns_addresses": "127.0.0.1:53 127.0.0.2:53",
            "relay_addresses": "us=127.0.0.1 gb=127.0.0.1 de=127.0.0.1",
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.engine = make_engine(database_url)
        self.sessions = make_sessions(self.engine)

    def start(self) -> None:
        """Start it and wait until it serves."""
        environment = {
            **{name: value for name, value in os.environ.items() if "MEDIASTREAMER" not in name},
            **{f"MEDIASTREAMER_{name.upper()}": value for name, value in self._settings.items()},
            "NAME_SERVER_PORT": self._name_server,
            "REAL_HASHES": "1" if self._real_hashes else "",
        }
        with self.output.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.peers.registry_process"],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line == b"Ready\n", self.output.read_text()

    @property
    def pid(self) -> int:
        """Number of the running process."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> int:
        """SIGTERM; give the exit status."""
        self.engine.dispose()
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(HANG_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        finally:
            if process.stdout is not None:
                process.stdout.close()
        return status

    def add_account(self, email: str) -> int:
        """Add an account whose password is PASSWORD."""
        with self.sessions.begin() as session:
            account_id = add_account(session, email, None, catalog=_catalog())
            session.get_one(Account, account_id).password = _password_hash(real=self._real_hashes)
            return account_id

    def networks(self, email: str) -> list[str]:
        """Networks that an account holds."""
        with self.sessions() as session:
            account = session.scalars(select(Account).where(Account.email == email)).one()
            return sorted(str(r.network) for slot in account.slots for r in slot.registrations)
