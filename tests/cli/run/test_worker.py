"""What a worker does to itself before it reads the network."""

import json
import os
import socket
import subprocess
import sys

import pytest

from smartdns.process.worker_channel import send_beginning
from tests.peers.installation import clean_environment

pytestmark = pytest.mark.processes

_NOTE = """
import os, sys
from smartdns.process import landlock
landlock.forbid_writing = lambda: os._exit(42)
from cli.run.worker import run_worker
run_worker(sys.argv[1], {control})
"""
_CANNOT_OPEN = """
import sys
from smartdns.resolver.listeners import Listeners
from smartdns.relay.service import RelayService
def startService(self):
    self.running = True
    raise OSError
Listeners.startService = RelayService.startService = startService
from cli.run.worker import run_worker
run_worker(sys.argv[1], {control})
"""
_CONTROL = "__import__('socket').socket(fileno=3)"


@pytest.mark.parametrize("role", ["resolver", "relay"])
def test_the_data_plane_gives_up_writing_before_it_has_sockets(role: str) -> None:
    """Whatever came later, no file could be opened for it any more; a standby is as strict."""
    assert exit_status(_NOTE, role, hand_over=False) == 42


@pytest.mark.parametrize("role", ["resolver", "relay"])
def test_a_worker_whose_front_does_not_open_ends(role: str) -> None:
    """It would count as one that answers; ended, it is succeeded."""
    assert exit_status(_CANNOT_OPEN, role) == os.EX_SOFTWARE


def exit_status(script: str, role: str, *, hand_over: bool = True) -> int:
    """Be a worker in a process, with a socket of its own or none."""
    ours, theirs = socket.socketpair()
    settings = {"upstreams": "127.0.0.1", "relay_addresses": "us=127.80.0.1"}
    with ours, theirs, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        process = subprocess.Popen(
            [sys.executable, "-c", script.format(control=_CONTROL), role],
            env=clean_environment(),
            preexec_fn=lambda: os.dup2(theirs.fileno(), 3),  # noqa: PLW1509 - no threads of ours
            close_fds=False,
            stderr=subprocess.DEVNULL,
        )
        send_beginning(ours, {"settings": settings})
        name = "udp" if role == "resolver" else "unknown"
        if hand_over:
            line = json.dumps({"sockets": [name]}).encode() + b"\n"
            socket.send_fds(ours, [line], [bound.fileno()])
        return process.wait(30)


def test_the_template_loads_nothing_of_the_registry_no_reactor_and_no_thread() -> None:
    """What it has, every fork has: the data plane knows no database, and each has its own loop."""
    code = (
        "import sys, threading\nfrom cli.run.worker import _load_shared\n"
        "for role in ('registry', 'resolver', 'relay'): _load_shared(role)\n"
        "never = {'sqlalchemy', 'alembic', 'flask', 'registry', 'twisted.internet.reactor'}\n"
        "print(sorted(never & set(sys.modules)), threading.active_count())"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[] 1\n"


def test_a_resolver_does_not_load_the_relay() -> None:
    """Where it is alone: `up` has them all in one template."""
    code = (
        "import sys\nfrom cli.run.worker import _load_shared\n_load_shared('resolver')\n"
        "print([name for name in sys.modules if name.startswith('smartdns.relay.')])"
    )
    said = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert said == "['smartdns.relay.egress']\n", "which settings are read with"
