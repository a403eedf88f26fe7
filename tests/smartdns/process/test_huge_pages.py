"""Memory in huge pages: what the kernel is asked for; whether it gives them is its own business."""

import ctypes
import mmap
from unittest.mock import patch

from smartdns.process.huge_pages import SIZE, _whole_pages, gather_in_huge_pages

_MADV_COLLAPSE = 25
"""asm-generic/mman-common.h of Linux."""


class Kernel:
    """Notes what is asked, and asks the real one."""

    def __init__(self) -> None:
        self.asked: list[tuple[int | None, int, int]] = []
        self._libc = ctypes.CDLL(None)

    def madvise(self, at: ctypes.c_void_p, size: ctypes.c_size_t, advice: int) -> int:
        """Note it, and pass it on."""
        self.asked.append((at.value, size.value, advice))
        given: int = self._libc.madvise(at, size, advice)
        return given


def test_all_memory_in_use_is_asked_for_and_is_what_it_was() -> None:
    """Every whole huge page of a mapping, and no octet has changed."""
    held = mmap.mmap(-1, 8 * SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for at in range(0, len(held), mmap.PAGESIZE):
        held[at] = 1 + at // mmap.PAGESIZE % 255
    begin = ctypes.addressof(ctypes.c_char.from_buffer(held))
    kernel = Kernel()
    with patch("smartdns.process.huge_pages.ctypes.CDLL", return_value=kernel):
        gathered = gather_in_huge_pages()
    first = -(-begin // SIZE) * SIZE
    wanted = {(at, SIZE, _MADV_COLLAPSE) for at in range(first, begin + 7 * SIZE + 1, SIZE)}
    assert wanted <= set(kernel.asked)
    assert gathered <= len(kernel.asked)
    assert all(
        held[at] == 1 + at // mmap.PAGESIZE % 255 for at in range(0, len(held), mmap.PAGESIZE)
    )


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
