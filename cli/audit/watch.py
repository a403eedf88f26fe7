"""Watching every file that is written during the audit, with fanotify(7), which requires root.

A later search does not find a file that was written and deleted again; the watch does.
"""

import contextlib
import ctypes
import os
import select
import struct
import threading
from collections.abc import Container
from pathlib import Path
from types import TracebackType
from typing import Self

_INIT_FLAGS = 0x1 | 0x2 | 0x10  # CLOEXEC, NONBLOCK, UNLIMITED_QUEUE
_MARK_FLAGS = 0x1 | 0x100  # ADD, FILESYSTEM
_MODIFIED = 0x2
_AT_FDCWD = -100
_EVENT = struct.Struct("=IBBHQii")
_DISKLESS = {"proc", "sysfs", "devpts", "cgroup2", "cgroup", "debugfs", "tracefs", "securityfs"}
_MOST_KEPT = 8 << 20

_libc = ctypes.CDLL(None, use_errno=True)


class Watch:
    """Collects which process wrote which file, with the content at that time."""

    def __init__(self, pids: Container[int]) -> None:
        """Watch what the processes `pids` write."""
        self._pids = pids
        self.written: dict[tuple[int, str], bytes] = {}
        """(process, path) -> content when it was last written."""
        self.works = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._descriptor: int = _libc.fanotify_init(_INIT_FLAGS, os.O_RDONLY)
        if self._descriptor >= 0:
            marked = [self._mark(mount) for mount in _mounts()]
            self.works = any(marked)
            self._thread = threading.Thread(target=self._collect, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def _mark(self, mount: str) -> bool:
        mask = ctypes.c_uint64(_MODIFIED)
        path = mount.encode()
        return bool(_libc.fanotify_mark(self._descriptor, _MARK_FLAGS, mask, _AT_FDCWD, path) == 0)

    def _collect(self) -> None:
        while not self._stop.is_set():
            if select.select([self._descriptor], [], [], 0.1)[0]:
                self._read()
        self._read()

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while events := os.read(self._descriptor, 65536):
                while len(events) >= _EVENT.size:
                    size, _, _, _, _, descriptor, pid = _EVENT.unpack_from(events)
                    self._note(pid, descriptor)
                    events = events[size:]

    def _note(self, pid: int, descriptor: int) -> None:
        if descriptor < 0:
            return
        try:
            if pid in self._pids:
                path = str(Path(f"/proc/self/fd/{descriptor}").readlink())
                self.written[pid, path] = os.pread(descriptor, _MOST_KEPT, 0)
        except OSError:
            pass
        finally:
            os.close(descriptor)


def _mounts() -> list[str]:
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    return [fields[1] for line in lines if (fields := line.split())[2] not in _DISKLESS]
