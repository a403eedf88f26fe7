"""From here on this process cannot write a file: Landlock, the kernel's own sandbox (Linux 5.13).

What a file may never be opened for can never hold a query, whatever mistake the code has. It
holds for the calling thread and all it starts later, and is never lifted. Descriptors that are
open already keep working: standard error, sockets, the supervisor's channel.
"""

import ctypes
import os
import struct

_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # the same numbers on every architecture
_CREATE_RULESET_VERSION = 1
_PR_SET_NO_NEW_PRIVS = 38

_WRITE_FILE, _REMOVE_DIR, _REMOVE_FILE = 1 << 1, 1 << 4, 1 << 5
_MAKE_ANY = sum(1 << bit for bit in range(6, 13))  # MAKE_CHAR … MAKE_SYM
_REFER, _TRUNCATE = 1 << 13, 1 << 14

_libc = ctypes.CDLL(None, use_errno=True)


def forbid_writing() -> bool:
    """Forbid this thread and its descendants to open for writing, create, rename or remove.

    False where the kernel has no Landlock, so that who asks can say so.
    """
    version: int = _libc.syscall(_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)
    if version < 1:
        return False
    attributes = struct.pack("Q", _handled(version))
    ruleset: int = _libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    try:
        _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        restricted: int = _libc.syscall(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return restricted == 0


def _handled(version: int) -> int:
    """Rights that a ruleset without rules takes away; older kernels know fewer."""
    rights = _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_ANY
    if version >= 2:
        rights |= _REFER
    if version >= 3:
        rights |= _TRUNCATE
    return rights
