"""A stand-in for a worker, to be run under strace: does what no worker may, in every way.

`python planted_calls.py worker resolver FOLDER good|bad|slow`; `good` does only what is
allowed, `slow` tells by a pipe of its own, an octet at a time.
"""

import contextlib
import ctypes
import mmap
import os
import socket
import subprocess
import sys
from pathlib import Path

NAME = b"who-asked-for-this.example"


def main() -> None:
    """Do it all; what the kernel refuses was still asked for."""
    folder = Path(sys.argv[3])
    {"good": good, "bad": lambda: bad(folder), "slow": slow}[sys.argv[4]]()


def good() -> None:
    """Wake up a thread, read a file, and write one line of the gate's."""
    reading, writing = os.pipe()
    os.write(writing, b"\0")
    os.read(reading, 1)
    Path("/proc/self/stat").read_bytes()
    os.write(2, b"ValueError at upstream/udp.py:12\n")


def slow() -> None:
    """The name, an octet at a time, into a pipe of its own: each call by itself is a wake-up."""
    _, writing = os.pipe()
    for octet in NAME:
        os.write(writing, bytes([octet]))


def bad(folder: Path) -> None:
    """One leak after the other."""
    os.write(1, NAME + b"\n")
    os.write(2, b"ValueError: " + NAME + b" at upstream/udp.py:12\n")
    descriptor = os.open(folder / "kept", os.O_RDWR | os.O_CREAT)
    os.write(descriptor, NAME)
    os.pwritev(descriptor, [NAME], 0)
    os.ftruncate(descriptor, 4096)
    mmap.mmap(descriptor, 4096)[: len(NAME)] = NAME
    os.sendfile(descriptor, os.open(__file__, os.O_RDONLY), 0, 10)
    (folder / "kept").rename(folder / NAME.decode())
    (folder / "directory").mkdir()
    (folder / "symlink").symlink_to(NAME.decode())
    os.setxattr(folder / NAME.decode(), "user.name", NAME) if hasattr(os, "setxattr") else None
    os.utime(folder / NAME.decode(), (1, 1))
    os.memfd_create("kept")
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.sendto(NAME, str(folder / "log"))
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.connect(str(folder / "log"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.sendto(NAME, ("127.0.0.1", 9))
    with contextlib.suppress(OSError), socket.socket() as far:
        far.connect(("127.0.0.1", 9))
    with contextlib.suppress(OSError):
        os.write(int(os.environ["PIPE"]), NAME)
    ctypes.CDLL(None).syscall(425, 8, ctypes.create_string_buffer(120))  # io_uring_setup
    subprocess.run(["/bin/true", NAME], check=False)


if __name__ == "__main__":
    main()
