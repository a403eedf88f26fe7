"""What the kernel is told about a process: no core dump, no debugger, no life after its parent."""

import ctypes
import gc
import os
import resource
import signal

_PR_SET_PDEATHSIG = 1  # prctl(2)
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4  # mlockall(2)


def forbid_core_dumps() -> None:
    """A dump would hold queries and addresses; nor may another process of the user look in."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(_PR_SET_DUMPABLE, 0)


def forbid_swapping() -> None:
    """Keep what is in memory out of swap, where the user may lock memory without a limit.

    With a limit every allocation beyond it would fail: then nothing is locked, and the audit
    says whether there is swap.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if hasattr(_LIBC, "mlockall") and (soft == resource.RLIM_INFINITY or os.geteuid() == 0):
        _LIBC.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT)


def die_with_parent() -> None:
    """SIGTERM when the thread that started us ends, however it does."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def adopt_orphans() -> None:
    """From here on this process is the parent of descendants whose own parent has ended."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def use_all_descriptors() -> None:
    """Raise the soft limit of open files to the hard one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _prctl(option: int, value: int) -> None:
    if os.name == "posix" and hasattr(_LIBC, "prctl"):
        _LIBC.prctl(option, value, 0, 0, 0)


_LIBC = ctypes.CDLL(None)


def collect_garbage_in_small_parts() -> None:
    """Let no collection hold up replies; to be called once all is loaded.

    What is alive now lives to the end: a collection that visits it takes some 50 ms, and finds
    nothing. Of what comes later 10,000 objects are visited at once, which takes 1 to 3 ms; all of
    it once 500,000 more were made than freed. That is short, since what is kept for long and in
    great numbers (answers, replies, rates, grants) is no object that is visited.
    """
    gc.collect()
    gc.freeze()
    gc.collect()  # with nothing left: else a full one waits until a quarter of all is new
    gc.set_threshold(1_000, 10, 50)
