"""A name server of somebody else's on loopback, in a process of its own."""

import os
import subprocess
import tempfile
import time
from pathlib import Path

import dns.exception
import dns.message
import dns.query

from tests.peers.ports import free_port
from tests.peers.waiting import HANG_S


class ServerProgram:
    """One server; in a given directory it may be killed and started again on the same port."""

    ready_name = "ready.example"
    """A name with an address that it knows by itself."""

    def __init__(self, directory: Path | None = None) -> None:
        """Keep its files in `directory`, or in one of its own that goes with it."""
        self.host, self.port = "127.0.0.1", free_port()
        self._own = None if directory else tempfile.TemporaryDirectory()
        self.directory = directory or Path(self._own.name if self._own else "")
        self._process: subprocess.Popen[bytes] | None = None

    def arguments(self) -> list[str]:
        """Write what it needs; give its command line."""
        raise NotImplementedError

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it answers what it knows by itself."""
        self._process = subprocess.Popen(
            self.arguments(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(self.directory)},
        )
        end = time.monotonic() + HANG_S
        while not self.answers():
            if time.monotonic() > end:
                self.kill()
                raise RuntimeError(f"{type(self).__name__} does not answer")
            time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL: the port is closed from now on."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._own is not None:
            self._own.cleanup()

    def answers(self) -> bool:
        """Say whether it is ready."""
        query = dns.message.make_query(self.ready_name, "A")
        try:
            reply = dns.query.udp(query, self.host, port=self.port, timeout=0.2)
        except (OSError, dns.exception.DNSException):
            return False
        return bool(reply.answer)
