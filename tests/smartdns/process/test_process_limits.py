"""What a process has had the kernel note about it, asked of the kernel by the process itself."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.processes

_ASK = """
import ctypes, resource, signal
from smartdns.process.process_limits import die_with_parent, forbid_core_dumps, use_all_descriptors
libc, signal_of_death = ctypes.CDLL(None), ctypes.c_int()
forbid_core_dumps(), die_with_parent(), use_all_descriptors()
libc.prctl(2, ctypes.byref(signal_of_death), 0, 0, 0)
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
print(resource.getrlimit(resource.RLIMIT_CORE), libc.prctl(3, 0, 0, 0, 0))
print(signal_of_death.value == signal.SIGTERM, soft == hard)
"""


def test_no_dump_no_debugger_and_no_life_after_its_parent() -> None:
    """PR_GET_DUMPABLE and PR_GET_PDEATHSIG (prctl(2)), and the limits, as they should be."""
    ran = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, check=True)
    assert ran.stdout == "(0, 0) 0\nTrue True\n"
