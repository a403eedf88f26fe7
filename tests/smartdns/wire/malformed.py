"""Packets that no resolver should get and every resolver does: the same ones in every run."""

import random
import struct
from collections.abc import Iterator

from smartdns.answering.names import name_of

_RD = 0x0100
_NAME = b"\3www\7example\3com\0"
_QUESTION = _NAME + b"\0\1\0\1"


def header(
    flags: int = _RD, qd: int = 1, an: int = 0, ns: int = 0, ar: int = 0, id_: int = 0x4D53
) -> bytes:
    """Twelve octets."""
    return struct.pack("!6H", id_, flags, qd, an, ns, ar)


def opt(
    data: bytes = b"",
    owner: bytes = b"\0",
    size: int = 1232,
    ttl: int = 0,
    length: int | None = None,
) -> bytes:
    """An OPT record, whose length may lie."""
    length = len(data) if length is None else length
    return owner + struct.pack("!HHIH", 41, size, ttl, length) + data


def option(code: int, data: bytes, length: int | None = None) -> bytes:
    """An EDNS option, whose length may lie."""
    return struct.pack("!HH", code, len(data) if length is None else length) + data


def tsig(owner: bytes = b"\3key\0", other: bytes = b"", klass: int = 255) -> bytes:
    """A TSIG record under a key that nobody has."""
    data = b"\x0bhmac-sha256\0" + struct.pack("!HIHH", 0, 1_700_000_000, 300, 32) + bytes(32)
    data += struct.pack("!HHH", 0x4D53, 0, len(other)) + other
    return owner + struct.pack("!HHIH", 250, klass, 0, len(data)) + data


def sig0() -> bytes:
    """A SIG record that covers no type (RFC 2931)."""
    data = struct.pack("!HBBIIIH", 0, 8, 0, 0, 2_000_000_000, 1_700_000_000, 1) + b"\3key\0"
    data += bytes(64)
    return b"\0" + struct.pack("!HHIH", 24, 255, 0, len(data)) + data


SANE = (
    header() + _QUESTION,
    header(ar=1) + _QUESTION + opt(),
    header(ar=1) + _QUESTION + opt(option(10, b"client!!"), size=4096, ttl=0x8000),
    header(ar=1) + _QUESTION + opt(option(8, b"\0\1\x18\0\xc0\0\2")),
    header(_RD | 0x30, ar=1) + name_of("a." * 60 + "example.com") + b"\0\x10\0\1" + opt(),
    header() + b"\1.\3\0\0\0\2\xff\xfe\7example\3com\0\0\1\0\1",
)
"""Each of these deserves an answer, and makes a good packet to spoil."""


def malformed() -> Iterator[bytes]:
    """Yield more than 3,000 packets; most are malformed, and none may do any harm."""
    for spoil in (
        _cut, _flipped, _counts, _flags, _names, _pointers, _owners, _edns, _options, _signatures,
        _questions, _trailing, _noise, _spliced,
    ):  # fmt: skip
        yield from spoil()


def _cut() -> Iterator[bytes]:
    for packet in SANE:
        yield from (packet[:length] for length in range(len(packet)))


def _flipped() -> Iterator[bytes]:
    for packet in SANE[:4]:
        for bit in range(len(packet) * 8):
            octets = bytearray(packet)
            octets[bit // 8] ^= 1 << bit % 8
            yield bytes(octets)


def _counts() -> Iterator[bytes]:
    body = _QUESTION + opt()
    for place in range(4):
        for count in (0, 1, 2, 3, 16, 255, 256, 32_768, 65_535):
            counts = [1, 0, 0, 1]
            counts[place] = count
            for rest in (body, b"", _QUESTION, body * 3):
                yield header(_RD, *counts) + rest


def _flags() -> Iterator[bytes]:
    for opcode in range(16):
        for flags in (0, _RD, 0x8000, 0x8180, 0x0200, 0x0400, 0x0080, 0x0040, 0x0030, 0x000F):
            yield header(flags | opcode << 11) + _QUESTION
            yield header(flags | opcode << 11, qd=0)
            yield header(flags | opcode << 11, ar=1) + _QUESTION + opt()


def _names() -> Iterator[bytes]:
    for size in range(64, 256):
        yield header() + bytes((size,)) + b"x" * 255 + b"\0\0\1\0\1"
    for size in range(1, 64):
        yield header() + bytes((size,)) + b"x" * (size - 1)
        yield header() + (bytes((size,)) + b"y" * size) * 6 + b"\0\0\1\0\1"
    for labels in range(120, 135):
        yield header() + b"\1z" * labels + b"\0\0\1\0\1"
    for octet in range(256):
        yield header() + b"\3a" + bytes((octet,)) + b"b" + b"\1" + bytes((octet,)) + b"\0\0\1\0\1"


def _pointers() -> Iterator[bytes]:
    for target in (*range(40), 255, 256, 0x3FFF):
        pointer = struct.pack("!H", 0xC000 | target)
        yield header() + pointer + b"\0\1\0\1"
        yield header() + b"\3www" + pointer + b"\0\1\0\1"
        yield header(ar=1) + _QUESTION + opt(owner=pointer)
        yield header(an=1) + _QUESTION + pointer + struct.pack("!HHIH", 1, 1, 0, 4) + b"\1\2\3\4"
        yield header(an=1) + _QUESTION + b"\0" + struct.pack("!HHIH", 5, 1, 0, 2) + pointer
    for hops in (2, 10, 100, 1000):
        chain = b"".join(struct.pack("!H", 0xC000 | 29 + 2 * hop) for hop in range(hops))
        yield header(an=1) + _QUESTION + chain + struct.pack("!HHIH", 1, 1, 0, 0)


def _owners() -> Iterator[bytes]:
    a_record = struct.pack("!HHIH", 1, 1, 60, 4) + b"\x7f\0\0\1"
    for places in ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1), (0, 1, 2)):
        records = (_NAME + a_record) * sum(places)
        yield header(_RD, 1, *places) + _QUESTION + records
        yield header(_RD, 1, *places) + _QUESTION + records[:-3]
        yield header(_RD, 1, *places) + _QUESTION + opt() * sum(places)
        yield header(_RD, 1, *places) + _QUESTION + tsig() * sum(places)
        yield header(_RD, 1, *places) + _QUESTION + sig0() * sum(places)
    for length in (0, 1, 3, 5, 255, 65_535):
        yield header(an=1) + _QUESTION + _NAME + struct.pack("!HHIH", 1, 1, 60, length) + b"\1\2\3"


def _edns() -> Iterator[bytes]:
    for version in (1, 2, 127, 255):
        yield header(ar=1) + _QUESTION + opt(ttl=version << 16)
        yield header(0x2800, ar=1) + _QUESTION + opt(ttl=version << 16)
    for ttl in (0x0100_0000, 0xFF00_0000, 0x7FFF, 0xFFFF):
        yield header(ar=1) + _QUESTION + opt(ttl=ttl)
    for size in (0, 1, 511, 512, 513, 1231, 1233, 4096, 65_535):
        yield header(ar=1) + _QUESTION + opt(size=size)
    for owner in (_NAME, b"\1x\0", b"\xc0\x0c", b"\x3f", b""):
        yield header(ar=1) + _QUESTION + opt(owner=owner)
    for count in (2, 3, 50):
        yield header(ar=count) + _QUESTION + opt() * count
    for place in ({"an": 1}, {"ns": 1}):
        yield header(**place) + _QUESTION + opt()
    for length in (1, 2, 3, 4, 5, 100, 65_535):
        yield header(ar=1) + _QUESTION + opt(length=length)


def _options() -> Iterator[bytes]:
    for code in (0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 20, 26_946, 65_535):
        for length in (0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 24, 40, 41, 100):
            yield header(ar=1) + _QUESTION + opt(option(code, b"\1" * length))
        for lie in (1, 9, 255, 65_535):
            yield header(ar=1) + _QUESTION + opt(option(code, b"12345678", lie))
    for family, source, scope in ((0, 0, 0), (1, 33, 0), (1, 24, 24), (2, 129, 0), (3, 8, 0)):
        for octets in range(6):
            subnet = struct.pack("!HBB", family, source, scope) + b"\xff" * octets
            yield header(ar=1) + _QUESTION + opt(option(8, subnet))
    yield header(qd=0, ar=1) + opt(option(10, b"client!!"))
    yield header(qd=0, ar=1) + opt(option(10, b"client!!" + b"\1" * 16))
    yield header(qd=0, ar=1) + opt()
    yield header(ar=1) + _QUESTION + opt(option(12, b"")) * 1
    yield header(ar=1) + _QUESTION + opt(b"".join(option(code, b"") for code in range(300)))


def _signatures() -> Iterator[bytes]:
    for record in (tsig(), sig0()):
        yield header(ar=1) + _QUESTION + record
        yield header(ar=2) + _QUESTION + opt() + record
        yield header(ar=2) + _QUESTION + record + opt()
        yield header(an=1) + _QUESTION + record
        yield from (header(ar=1) + _QUESTION + record[:cut] for cut in range(len(record)))
    yield header(ar=1) + _QUESTION + tsig(klass=1)
    yield header(ar=1) + _QUESTION + tsig(owner=b"\xc0\x0c")
    yield header(ar=1) + _QUESTION + tsig(other=b"x" * 6)


def _questions() -> Iterator[bytes]:
    for kind in (0, 2, 6, 24, 41, 46, 64, 127, 128, 200, *range(247, 260), 32_768, 65_280, 65_535):
        yield header() + _NAME + struct.pack("!HH", kind, 1)
        yield header(0) + _NAME + struct.pack("!HH", kind, 1)
    for klass in (0, 2, 3, 4, 5, 254, 255, 256, 65_280, 65_535):
        yield header() + _NAME + struct.pack("!HH", 1, klass)
        yield header() + b"\7version\4bind\0" + struct.pack("!HH", 16, klass)
    for count in (2, 3, 10):
        yield header(qd=count) + _QUESTION * count
        yield header(qd=count) + _QUESTION + b"\xc0\x0c\0\1\0\1" * (count - 1)
    yield header() + b"\0\0\2\0\1"


def _trailing() -> Iterator[bytes]:
    for length in (1, 2, 4, 11, 12, 100, 400):
        for packet in SANE:
            yield packet + b"\0" * length
            yield packet + b"\xff" * length


def _noise() -> Iterator[bytes]:
    dice = random.Random(1035)  # noqa: S311 - the same packets in every run
    for _ in range(400):
        yield dice.randbytes(dice.choice((0, 1, 11, 12, 13, 17, 40, 100, 512, 1500)))
    for _ in range(400):
        yield header() + dice.randbytes(dice.randrange(80))


def _spliced() -> Iterator[bytes]:
    dice = random.Random(6891)  # noqa: S311 - the same packets in every run
    for _ in range(600):
        octets = bytearray(dice.choice(SANE))
        for _ in range(dice.randrange(1, 5)):
            at = dice.randrange(4, len(octets))
            octets[at : at + dice.randrange(3)] = dice.randbytes(dice.randrange(4))
        yield bytes(octets)
