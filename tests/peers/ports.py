"""Free ports on loopback, which no other program comes to have meanwhile."""

import fcntl
import itertools
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

_FIRST, _BLOCKS, _BLOCK = 11_000, 210, 100
"""Below the ports that Linux gives to outgoing connections: one of those would take it."""


def _claimed() -> Iterator[int]:
    """Give ports of a block that is this process's own for as long as it lives, then of the next.

    Other processes of these tests, and other runs of them, claim others.
    """
    folder = Path(tempfile.gettempdir()) / f"mediastreamer-tests-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for block in range(_BLOCKS):
        lock = os.open(folder / str(block), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        yield from range(_FIRST + block * _BLOCK, _FIRST + (block + 1) * _BLOCK)
    raise RuntimeError("more ports are wanted than there are")


_ports = _claimed()
# The first block now: no test that counts descriptors is to find another one open.
_ports = itertools.chain([next(_ports)], _ports)


def free_port(host: str = "127.0.0.1") -> int:
    """Give a port that is free for both UDP and TCP, and was not given before."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return next(port for port in _ports if _is_free(family, host, port))


def _is_free(family: int, host: str, port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(family, kind) as tried:
            try:
                tried.bind((host, port))
            except OSError:
                return False
    return True
