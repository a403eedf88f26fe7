"""What a worker does to itself before it reads the network."""

import json
import os
import socket
import subprocess
import sys

import pytest

from tests.peers.installation import clean_environment

_NOTE = """
import os, sys
from smartdns.process import landlock
landlock.forbid_writing = lambda: os._exit(42)
from cli.run.worker import worker
worker([sys.argv[1]])
"""
_CANNOT_OPEN = """
import sys
from smartdns.roles import role
def startService(self):
    self.running = True
    raise OSError
role.Listeners.startService = role.RelayService.startService = startService
from cli.run.worker import worker
worker([sys.argv[1]])
"""


@pytest.mark.parametrize("role", ["resolver", "relay"])
def test_the_data_plane_gives_up_writing_before_it_has_sockets(role: str) -> None:
    """Whatever came later, no file could be opened for it any more; a standby is as strict."""
    assert exit_status(_NOTE, role, hand_over=False) == 42


@pytest.mark.parametrize("role", ["resolver", "relay"])
def test_a_worker_whose_front_does_not_open_ends(role: str) -> None:
    """It would count as one that answers; ended, it is succeeded."""
    assert exit_status(_CANNOT_OPEN, role) == os.EX_SOFTWARE


def exit_status(script: str, role: str, *, hand_over: bool = True) -> int:
    """Run a worker, with a socket of its own or none."""
    ours, theirs = socket.socketpair()
    settings = clean_environment(upstreams="127.0.0.1", relay_addresses="us=127.80.0.1")
    with ours, theirs, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        process = subprocess.Popen(
            [sys.executable, "-c", script, role],
            env={**settings, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "control"},
            preexec_fn=lambda: os.dup2(theirs.fileno(), 3),  # noqa: PLW1509 - no threads of ours
            close_fds=False,
            stderr=subprocess.DEVNULL,
        )
        name = "udp" if role == "resolver" else "unknown"
        if hand_over:
            line = json.dumps({"sockets": [name]}).encode() + b"\n"
            socket.send_fds(ours, [line], [bound.fileno()])
        return process.wait(30)
