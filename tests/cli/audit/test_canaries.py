"""Canaries are found in every form a leak may take, and nowhere else."""

import base64
import bz2
import gzip
import hashlib
import lzma
import os
import zlib
from collections.abc import Callable
from ipaddress import IPv4Address

import pytest

from cli.audit.canaries import Canaries

FORMS: dict[str, Callable[[bytes], bytes]] = {
    "text": bytes,
    "capitals": bytes.upper,
    "mixed case": lambda word: bytes(
        octet ^ 0x20 if 97 <= octet <= 122 and at % 3 else octet for at, octet in enumerate(word)
    ),
    "wire": lambda word: bytes([len(word)]) + word + b"\7example\3com\0",
    "hexadecimal": lambda word: word.hex().encode(),
    "hexadecimal in capitals": lambda word: word.hex().upper().encode(),
    "base64": base64.b64encode,
    "base64 behind something": lambda word: base64.b64encode(b"ab" + word + b"c"),
    "reversed": lambda word: word[::-1],
    "UTF-16": lambda word: word.decode().encode("utf-16"),
    "percent-encoded": lambda word: "".join(f"%{octet:02x}" for octet in word).encode(),
    "sha256": lambda word: hashlib.sha256(word).hexdigest().encode(),
    "sha256 as octets": lambda word: hashlib.sha256(word).digest(),
    "md5 in base64": lambda word: base64.b64encode(
        hashlib.md5(word, usedforsecurity=False).digest()
    ),
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zlib": zlib.compress,
    "gzip twice": lambda word: gzip.compress(gzip.compress(word)),
}
ADDRESSES: dict[str, Callable[[IPv4Address], bytes]] = {
    "text": lambda address: str(address).encode(),
    "octets": lambda address: address.packed,
    "a socket's": lambda address: b"\2\0\x14\xe9" + address.packed + bytes(8),
    "hexadecimal": lambda address: address.packed.hex().encode(),
    "hexadecimal back to front": lambda address: address.packed[::-1].hex().encode(),
    "with colons": lambda address: address.packed.hex(":").encode(),
    "in-addr.arpa": lambda address: address.reverse_pointer.encode(),
    "in-addr.arpa on the wire": lambda address: b"".join(
        bytes([len(part)]) + part.encode() for part in address.reverse_pointer.split(".")
    ),
    "a number": lambda address: str(int(address)).encode(),
    "as Python shows it": lambda address: repr(address.packed).encode(),
    "sha256 of the text": lambda address: hashlib.sha256(str(address).encode()).digest(),
    "sha256 of the octets": lambda address: hashlib.sha256(address.packed).hexdigest().encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_word_is_found_in_every_form(form: str) -> None:
    """In the middle of something else, or packed."""
    canaries = Canaries()
    content = FORMS[form](canaries.word("a query").encode())
    assert canaries.needles().find(content)
    if not any(packed in form for packed in ("gzip", "bz2", "xz", "zlib", "base64")):
        assert canaries.needles().find(b"<3>" + content + b"\n")


@pytest.mark.parametrize("form", ADDRESSES)
def test_an_address_is_found_in_every_form(form: str) -> None:
    """Where it was registered it may stand, and then it is none."""
    canaries = Canaries()
    address = canaries.address("address of a household")
    content = ADDRESSES[form](IPv4Address(address))
    assert canaries.needles().find(content)
    assert not canaries.needles(but=address).find(content)


def test_octets_of_an_address_are_found_in_what_is_long_by_what_is_before_them() -> None:
    """As part of a socket's address, of an IPv4-mapped one, of a record; alone it is chance."""
    canaries = Canaries()
    packed = IPv4Address(canaries.address("address of a stranger")).packed
    long = bytes(5000)
    for before in (b"\2\0\0\x35", b"\xff\xff", b"\0\4"):
        assert canaries.needles().find(long + before + packed + long)
    assert not canaries.needles().find(long + packed + long)


def test_a_digest_of_a_whole_name_is_found() -> None:
    """Of a name only who notes it can tell that."""
    canaries = Canaries()
    name = canaries.made(f"{canaries.word('a query')}.example.com", "a query")
    assert canaries.needles().find(hashlib.sha256(name.encode()).hexdigest().encode())
    assert canaries.needles().find(hashlib.sha256(f"{name}.".encode()).digest())


def test_nothing_is_found_where_nothing_is() -> None:
    """Random octets, and another audit's canaries."""
    canaries = Canaries()
    canaries.word("a query")
    canaries.address("an address")
    assert not canaries.needles().find(os.urandom(1 << 20))
    assert not canaries.needles().find(Canaries().word("another").encode())


def test_what_was_found_is_said_without_the_canary() -> None:
    """A report can be handed on."""
    canaries = Canaries()
    word = canaries.word("a query")
    assert canaries.tag not in "".join(canaries.needles().find(word.encode()))
    assert canaries.tag not in repr(canaries)
