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
from smartdns import landlock
landlock.forbid_writing = lambda: os._exit(42)
from cli.worker import worker
worker([sys.argv[1]])
"""


@pytest.mark.parametrize("role", ["resolver", "relay"])
def test_the_data_plane_gives_up_writing_before_it_begins(role: str) -> None:
    """Whatever came later, no file could be opened for it any more."""
    ours, theirs = socket.socketpair()
    settings = clean_environment(upstreams="127.0.0.1", relay_addresses="us=127.80.0.1")
    with ours, theirs, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        process = subprocess.Popen(
            [sys.executable, "-c", _NOTE, role],
            env={**settings, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "control"},
            preexec_fn=lambda: os.dup2(theirs.fileno(), 3),  # noqa: PLW1509 - no threads of ours
            close_fds=False,
            stderr=subprocess.DEVNULL,
        )
        name = "udp" if role == "resolver" else "unknown"
        socket.send_fds(ours, [json.dumps({"sockets": [name]}).encode() + b"\n"], [bound.fileno()])
        assert process.wait(30) == 42
