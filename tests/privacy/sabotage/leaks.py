"""Nine ways of keeping what must not be kept; each gets a query's octets and its source."""

import gzip
import hashlib
import mmap
import os
import socket
import sys
import tempfile
import traceback
from pathlib import Path

_KEPT: list[mmap.mmap] = []


def _place(name: str) -> Path:
    return Path(os.environ["SABOTAGE_FOLDER"]) / name


def printed_name(data: bytes, _: bytes) -> None:
    """Standard output."""
    sys.stdout.write(f"{data!r}\n")
    sys.stdout.flush()


def hashed_address(_: bytes, address: bytes) -> None:
    """A file of digests."""
    with _place("seen").open("a") as file:
        file.write(hashlib.sha256(address).hexdigest() + "\n")


def syslog_datagram(data: bytes, _: bytes) -> None:
    """A datagram to whoever keeps the system's log."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.sendto(b"<14>resolver: " + data, str(_place("log-socket")))


def metrics_label(data: bytes, _: bytes) -> None:
    """A series named for what was asked."""
    from smartdns.roles.role import Role

    name = f"queries:{data[13:37].decode(errors='replace')}"
    given = Role.metrics
    Role.metrics = lambda self: {**given(self), name: 100_000}  # type: ignore[method-assign]


def redis_key(data: bytes, _: bytes) -> None:
    """A counter in Redis."""
    with socket.socket(socket.AF_UNIX) as redis:
        redis.connect(str(_place("state") / "redis" / "redis.sock"))
        redis.sendall(b"INCR seen:" + data.hex().encode() + b"\r\n")
        redis.recv(64)


def traceback_with_packet(data: bytes, _: bytes) -> None:
    """An exception that carries its cause, shown."""
    error = ValueError(data)
    sys.stderr.write("".join(traceback.format_exception(error)))
    sys.stderr.flush()


def gzip_file(data: bytes, _: bytes) -> None:
    """A compressed file."""
    _place("seen.gz").write_bytes(gzip.compress(data))


def mapped_file(data: bytes, _: bytes) -> None:
    """Memory that belongs to a file."""
    if not _KEPT:
        with _place("mapped").open("w+b") as file:
            file.truncate(4096)
            _KEPT.append(mmap.mmap(file.fileno(), 4096))
    _KEPT[0][: len(data)] = data


def deleted_file(data: bytes, _: bytes) -> None:
    """A file that is gone again at once."""
    with tempfile.NamedTemporaryFile(dir=_place("")) as file:
        file.write(data)
        file.flush()


LEAKS = {
    each.__name__: each
    for each in (
        printed_name, hashed_address, syslog_datagram, metrics_label, redis_key,
        traceback_with_packet, gzip_file, mapped_file, deleted_file,
    )
}  # fmt: skip
