"""Memory in huge pages, asked of the kernel by the process itself."""

import subprocess
import sys

import pytest

from smartdns.process.huge_pages import SIZE, _whole_pages

_ASK = """
import mmap, re
from smartdns.process.huge_pages import SIZE, gather_in_huge_pages
held = mmap.mmap(-1, 8 * SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for at in range(0, len(held), 4096):
    held[at] = 1 + at // 4096 % 255
gathered = gather_in_huge_pages()
assert all(held[at] == 1 + at // 4096 % 255 for at in range(0, len(held), 4096))
huge = re.search(r"AnonHugePages: +([0-9]+) kB", open("/proc/self/smaps_rollup").read())
print(gathered, int(huge[1]) * 1024 // SIZE)
"""


def test_what_is_in_use_lies_in_huge_pages_and_is_what_it_was() -> None:
    """The kernel counts as many as were gathered, and no octet has changed."""
    ran = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, check=True)
    gathered, counted = map(int, ran.stdout.split())
    if not gathered:
        pytest.skip("this kernel has no MADV_COLLAPSE, or no memory of one piece")
    assert gathered >= 7
    assert counted >= gathered


def test_only_memory_of_this_process_alone_is_moved() -> None:
    """No page of a file, none that is shared, none that is half of another mapping."""
    size, first = SIZE, 0x7F0000000000
    lines = [
        f"{first + 1:x}-{first + 3 * size:x} rw-p 00000000 00:00 0 ",
        f"{first + 4 * size:x}-{first + 6 * size:x} rw-s 00000000 00:01 77 /dev/zero (deleted)",
        f"{first + 6 * size:x}-{first + 8 * size:x} rw-p 00001000 fe:00 12 /usr/lib/libc.so.6",
        f"{first + 8 * size:x}-{first + 10 * size:x} r--p 00000000 00:00 0 ",
        f"{first + 10 * size:x}-{first + 11 * size:x} rw-p 00000000 00:00 0          [heap]",
        f"{first + 12 * size:x}-{first + 13 * size:x} rw-p 00000000 00:00 0          [stack]",
    ]
    assert list(_whole_pages("\n".join(lines))) == [
        first + size,
        first + 2 * size,
        first + 10 * size,
    ]
