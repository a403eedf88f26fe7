"""The OPT record (RFC 6891) and its options."""

import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

from smartdns.answering.numbers import (
    COOKIE_LENGTHS,
    DO,
    OPT,
    OPTION_COOKIE,
    OPTION_ERROR,
    OPTION_SUBNET,
    PAYLOAD_SIZE,
)
from smartdns.answering.plan import ExtendedError
from smartdns.answering.query import Edns
from smartdns.wire.names import MalformedError

OPT_RECORD: Final = struct.Struct("!BHHBBHH")
"""The root, type, payload size, upper eight bits of the response code, version, flags, length of
the options (section 6.1)."""
_OPT_HEAD: Final = b"\0" + OPT.to_bytes(2)
_NO_OPTIONS: Final = b"\0\0"
OPTION_HEAD: Final = struct.Struct("!HH")
LONGEST_ERROR_TEXT: Final = 100
_ADDRESS_BITS: Final = {0: 0, 1: 32, 2: 128}
_new: Final = tuple.__new__
"""The constructor of a NamedTuple is Python's and takes three times as long."""

Options = tuple[tuple[int, bytes], ...]
"""Code and data of each option, in order."""

BARE_OPT: Final = {
    dnssec_ok: OPT_RECORD.pack(0, OPT, PAYLOAD_SIZE, 0, 0, DO * dnssec_ok, 0)
    for dnssec_ok in (False, True)
}
"""Our OPT record without options, by the DO bit."""


class Opt(NamedTuple):
    """An OPT record as it was read."""

    edns: Edns
    rcode_high: int
    """The upper eight bits of the response code."""
    end: int
    """Where the next record begins."""

    def __repr__(self) -> str:
        """Show nothing of what it says."""
        return "Opt"


def read_opt(data: bytes, start: int) -> Opt | None:
    """Read the OPT record at `start`; None: another record is there.

    Raises what is in `names.UNREADABLE` where `data` ends too early: no record is shorter than an
    OPT without options.
    """
    owner, kind, size, rcode_high, version, flags, length = OPT_RECORD.unpack_from(data, start)
    if owner or kind != OPT:
        return None
    end = start + OPT_RECORD.size + length
    options: Options = ()
    well_formed = True
    if length:
        if end > len(data):
            raise MalformedError
        options = _read_options(data[end - length : end])
        well_formed = _are_well_formed(options)
    edns = _new(Edns, (size, version, flags & DO != 0, options, well_formed))
    return _new(Opt, (edns, rcode_high, end))


def says_no_more(data: bytes, start: int) -> bool:
    """Say whether the record at `start` is an OPT with neither options nor a high response code."""
    return (
        data[start + 9 : start + 11] == _NO_OPTIONS
        and data[start : start + 3] == _OPT_HEAD
        and not data[start + 5]
    )


def write_opt(rcode: int, options: Options, *, dnssec_ok: bool) -> bytes:
    """Give an OPT record of ours, with the upper eight bits of `rcode`."""
    if not options and rcode < 16:
        return BARE_OPT[dnssec_ok]
    body = b"".join([OPTION_HEAD.pack(code, len(data)) + data for code, data in options])
    return OPT_RECORD.pack(0, OPT, PAYLOAD_SIZE, rcode >> 4, 0, DO * dnssec_ok, len(body)) + body


def error_option(error: ExtendedError) -> tuple[int, bytes]:
    """Give the option that says an Extended DNS Error (RFC 8914 section 2)."""
    return OPTION_ERROR, error.code.to_bytes(2) + error.text.encode()


def first_error(options: Options) -> ExtendedError | None:
    """Give the first Extended DNS Error, its text cut short."""
    for code, data in options:
        if code == OPTION_ERROR and len(data) >= 2:
            text = data[2:LONGEST_ERROR_TEXT].decode(errors="ignore")
            return ExtendedError(int.from_bytes(data[:2]), text)
    return None


def _read_options(data: bytes) -> Options:
    """Read code and length, 16 bits each, then data, as often as there is any (section 6.1.2)."""
    options = []
    at, size = 0, len(data)
    while at < size:
        code, length = OPTION_HEAD.unpack_from(data, at)
        at += 4 + length
        if at > size:
            raise MalformedError
        options.append((code, data[at - length : at]))
    return tuple(options)


def _are_well_formed(options: Iterable[tuple[int, bytes]]) -> bool:
    """Say whether each option whose form is fixed is as its RFC wants it: else it is a FORMERR."""
    for code, data in options:
        if code == OPTION_COOKIE and len(data) not in COOKIE_LENGTHS:
            return False
        if code == OPTION_SUBNET and not _is_subnet(data):
            return False
    return True


def _is_subnet(data: bytes) -> bool:
    """RFC 7871 section 7.1.2: family, source prefix length, scope 0, and the prefix's octets."""
    if len(data) < 4 or data[3] != 0:
        return False
    bits, address = data[2], data[4:]
    if bits > _ADDRESS_BITS.get(int.from_bytes(data[:2]), -1) or len(address) != (bits + 7) // 8:
        return False
    return not bits % 8 or not address[-1] & (0xFF >> bits % 8)
