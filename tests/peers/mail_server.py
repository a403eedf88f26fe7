"""A real SMTP server on loopback, a process of its own, that hands on what it is given."""

import queue
import socket
import subprocess
import sys
import threading
import time
from email import message_from_string
from email.policy import default

from tests.peers.certificates import CertificatePair
from tests.peers.ports import free_port


class MailServer:
    """Receives mail; with a certificate it takes none but over STARTTLS."""

    def __init__(self, pair: CertificatePair | None = None) -> None:
        self.port = free_port()
        self._mails: queue.Queue[str] = queue.Queue()
        tls = (
            [] if pair is None else ["--tlscert", str(pair.certificate), "--tlskey", str(pair.key)]
        )
        self._process = subprocess.Popen(
            [
                sys.executable, "-u", "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{self.port}", *tls,
                "-c", "aiosmtpd.handlers.Debugging", "stdout",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._wait()

    def next_to(self, recipient: str) -> str:
        """Wait for a mail and give its text; it must be to `recipient`."""
        message = message_from_string(self._mails.get(timeout=60), policy=default)
        assert message["To"] == recipient
        text: str = message.get_content()
        return text

    @property
    def empty(self) -> bool:
        """No mail waits to be looked at."""
        return self._mails.empty()

    def stop(self) -> None:
        """Stop listening."""
        self._process.terminate()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        lines: list[str] = []
        for line in self._process.stdout:
            if line.startswith("---------- MESSAGE FOLLOWS"):
                lines = []
            elif line.startswith("------------ END MESSAGE"):
                self._mails.put("".join(lines))
            elif not line.startswith("mail options") and (lines or line.strip()):
                lines.append(line)

    def _wait(self) -> None:
        for _ in range(1000):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise RuntimeError("the mail server does not answer")
