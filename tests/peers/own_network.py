"""A network of a test's own: a namespace in which any address of some prefix may be used."""

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable
from typing import TypeVar

from tests.peers.missing import missing, require_program

IPV6 = "2001:db8::/32"
"""Every address of it is this machine's own there."""
_CLONE_NEWNET = 0x40000000

T = TypeVar("T")


def in_own_network(work: Callable[[], T]) -> T:
    """Run `work` in a thread that sees such a network and no other; needs root."""
    if os.geteuid() != 0:
        missing("only root may make a network of its own")
    ip = require_program("ip", "iproute2")
    results: list[T] = []
    failures: list[BaseException] = []

    def enter_and_work() -> None:
        try:
            _enter(ip)
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again where it can be seen
            failures.append(error)

    thread = threading.Thread(target=enter_and_work)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return results[0]


def _enter(ip: str) -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) != 0:
        missing(f"no network namespace: {os.strerror(ctypes.get_errno())}")
    for words in ("link set lo up", f"-6 route add local {IPV6} dev lo"):
        subprocess.run([ip, *words.split()], check=True)
