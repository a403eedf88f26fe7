"""Names in a message: read strictly, work bounded, nothing decoded to text; written compressed.

`end_of_labels` is the one loop over the labels of a message that came in.
"""

import struct
from typing import Final

from smartdns.answering.numbers import HEADER_LENGTH, LONGEST_LABEL, LONGEST_NAME

MOST_POINTERS: Final = 32
POINTER: Final = 0xC000
"""The two highest bits of a compression pointer (RFC 1035 section 4.1.4)."""
_LAST_TARGET: Final = 0x3FFF

Known = dict[int, bytes]
"""Offset -> the name there, of the names of one message that were read: many pointers to one long
chain cost no more than one. Each message has its own, and is read from its beginning to its end, so
whatever is in here is before the name that is read next."""

Targets = dict[bytes, int]
"""Name -> the offset in a message that is being written at which it can be pointed to."""


class MalformedError(ValueError):
    """The octets are no DNS message; carries nothing of them."""


UNREADABLE: Final = (MalformedError, IndexError, struct.error)
"""All that reading raises; the last two where the octets end too early."""


def end_of_labels(data: bytes, start: int) -> int:
    """Give where a run of labels ends: the offset of the root's octet or of a pointer.

    The label types 01 and 10 (RFC 6891 section 5) end a run, too. Raises MalformedError for more
    octets than a name can have, and IndexError where `data` ends.
    """
    at, last = start, start + LONGEST_NAME - 1
    while size := data[at]:
        if size > LONGEST_LABEL:
            break
        at += size + 1
        if at > last:
            raise MalformedError
    return at


def read_name(data: bytes, start: int, known: Known) -> tuple[bytes, int]:
    """Give the name at `start`, uncompressed with its case kept, and where it ends.

    A pointer must lead before everything that this name has used so far, which rules out loops
    and forward pointers (RFC 1035 section 4.1.4). Raises what is in `UNREADABLE`.
    """
    stop = end_of_labels(data, start)
    size = data[stop]
    if size == 0:
        known[start] = name = data[start : stop + 1]
        return name, stop + 1
    target = (size << 8 | data[stop + 1]) - POINTER
    rest = known.get(target) or _read_before(data, target, start, known)
    if start == stop:
        return rest, stop + 2
    name = data[start:stop] + rest
    if len(name) > LONGEST_NAME:
        raise MalformedError
    known[start] = name
    return name, stop + 2


def _read_before(data: bytes, target: int, lowest: int, known: Known) -> bytes:
    """Give the name that a pointer leads to, before `lowest`."""
    first = target
    runs: list[bytes] = []
    for _ in range(MOST_POINTERS - 1):
        if not 0 <= target < lowest:  # below 0: a label of type 01 or 10
            raise MalformedError
        if runs and target in known:
            runs.append(known[target])
            break
        stop = end_of_labels(data, target)
        size = data[stop]
        if size == 0:
            runs.append(data[target : stop + 1])
            break
        runs.append(data[target:stop])
        lowest, target = target, (size << 8 | data[stop + 1]) - POINTER
    else:
        raise MalformedError
    name = b"".join(runs)
    if len(name) > LONGEST_NAME:
        raise MalformedError
    known[first] = name
    return name


def question_targets(name: bytes) -> Targets:
    """Give what can be pointed to in a message whose question is about `name`, in lower case.

    Whatever case the name has there: that of names means nothing (RFC 4343).
    """
    targets: Targets = {}
    start = 0
    while size := name[start]:
        targets[name[start:]] = HEADER_LENGTH + start
        start += size + 1
    return targets


def write_name(message: bytearray, name: bytes, targets: Targets) -> None:
    """Write an uncompressed name, as far as it was not written before, and note what is new.

    No pointer leads beyond its 14 bits.
    """
    begin, start = len(message), 0
    while size := name[start]:
        rest = name[start:]
        target = targets.get(rest)
        if target is not None:
            message += name[:start]
            message += (POINTER | target).to_bytes(2)
            return
        if begin + start <= _LAST_TARGET:
            targets[rest] = begin + start
        start += size + 1
    message += name
