"""What a process is called in `ps` and in /proc; a forked one has the name of its parent."""

import ctypes
from pathlib import Path

_PR_SET_NAME = 15  # prctl(2)
_ARG_START, _ARG_END = 47, 48
"""Fields of proc_pid_stat(5), counted from 0."""


def set_title(word: str) -> None:
    """Put `word` in place of the last argument of the command line, and make it the name.

    The last argument must be as long at least: the kernel shows the memory in which the arguments
    lie. Raises ValueError otherwise.
    """
    name = word.encode()
    last = Path("/proc/self/cmdline").read_bytes().rstrip(b"\0").rpartition(b"\0")[2]
    if len(name) > len(last):
        raise ValueError(f"the last argument is shorter than {word}")
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name, 0, 0, 0)
    stat = Path("/proc/self/stat").read_bytes()
    fields = [b"pid", b"name", *stat.rpartition(b") ")[2].split()]
    start, end = int(fields[_ARG_START]), int(fields[_ARG_END])
    if start:
        ctypes.memmove(end - len(last) - 1, name.ljust(len(last), b"\0"), len(last))
