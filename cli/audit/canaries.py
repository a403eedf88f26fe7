"""Canaries: random words and addresses that stand nowhere yet, in every form a leak may take.

All words of one audit begin with the same random tag, so a file is searched for thirty forms of
the tag and not for thousands of forms of the words. Digests have no common beginning: they are
picked out by their length and looked up.
"""

import base64
import bz2
import gzip
import hashlib
import ipaddress
import lzma
import re
import secrets
import string
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

_LETTERS = string.ascii_lowercase + string.digits
_TAG_LENGTH = 15
"""A multiple of three, so that it fills whole groups of base64."""
_REST_LENGTH = 9
_MOST_UNPACKED = 256 << 20
_MOST_FOR_RAW_DIGESTS = 1 << 20
"""Digests as octets have no form to pick them out by; they are sought one by one, in little."""
_DIGESTS = ("md5", "sha1", "sha256", "sha512", "blake2b")
_HEXADECIMAL = re.compile(rb"[0-9a-fA-F]{32,128}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{22,86}")
_PACKED: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b", gzip.decompress),
    (b"BZh", bz2.decompress),
    (b"\xfd7zXZ", lzma.decompress),
    (b"\x78\x01", zlib.decompress),
    (b"\x78\x9c", zlib.decompress),
    (b"\x78\xda", zlib.decompress),
)


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


@dataclass
class Canaries:
    """The canaries of one audit; each with what it was sent as."""

    tag: str = field(default_factory=lambda: _random(_TAG_LENGTH), repr=False)
    sent: dict[str, str] = field(default_factory=dict, repr=False)

    def word(self, way: str) -> str:
        """Give a new word: a label of a name, a form's field, an option or a header."""
        word = self.tag + _random(_REST_LENGTH)
        self.sent[word] = way
        return word

    def address(self, way: str) -> str:
        """Give a new address of 127.0.0.0/8 to send from, three digits in each part."""
        while (
            address := "127." + ".".join(str(100 + secrets.randbelow(156)) for _ in range(3))
        ) in self.sent:
            pass
        self.sent[address] = way
        return address

    def needles(self, *, but: str = "") -> "Needles":
        """Give what to look for; `but` is the one address that may be kept at this moment."""
        texts = dict(_forms(self.tag.encode(), "a word that was sent"))
        digests: dict[bytes, str] = {}
        for canary, way in self.sent.items():
            if canary == but:
                continue
            digests.update(_digests(canary.encode(), way))
            with suppress(ValueError):
                packed = ipaddress.ip_address(canary).packed
                texts.update(_forms(canary.encode(), way))
                texts[packed.hex().encode()] = f"{way}, packed and in hexadecimal"
                digests.update(_digests(packed, way))
        return Needles(texts, digests)


@dataclass(frozen=True)
class Needles:
    """Forms of all canaries, and what each says."""

    texts: Mapping[bytes, str] = field(repr=False)
    digests: Mapping[bytes, str] = field(repr=False)

    def find(self, content: bytes) -> list[str]:
        """Say which forms are in `content`, whatever it is packed in; never the canary."""
        found: set[str] = set()
        for layer in _layers(content):
            found.update(form for needle, form in self.texts.items() if needle in layer)
            for pattern in (_HEXADECIMAL, _BASE64):
                for word in set(pattern.findall(layer)):
                    found.update(filter(None, [self.digests.get(word.lower())]))
                    found.update(filter(None, [self.digests.get(word)]))
            if len(layer) <= _MOST_FOR_RAW_DIGESTS:
                found.update(form for digest, form in self.digests.items() if digest in layer)
        return sorted(found)


def _forms(whole: bytes, way: str) -> Iterator[tuple[bytes, str]]:
    for name, text in {"in capitals": whole.upper(), "as text": whole}.items():
        if name == "in capitals" and text == whole:
            continue
        yield text, f"{way}, {name}"
        yield text[::-1], f"{way}, {name} and reversed"
        yield text.hex().encode(), f"{way}, {name} and in hexadecimal"
        yield text.hex().upper().encode(), f"{way}, {name} and in hexadecimal"
        yield text.decode().encode("utf-16-le"), f"{way}, {name} and in UTF-16"
        yield text.decode().encode("utf-16-be"), f"{way}, {name} and in UTF-16"
        for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
            for shift in range(3):
                letters = alphabet(b"\0" * shift + text)
                # Only the letters in which no octet before or behind it has a part.
                inside = letters[(shift * 8 + 5) // 6 : (shift + len(text)) * 8 // 6]
                yield inside, f"{way}, {name} and in base64"


def _digests(content: bytes, way: str) -> Iterator[tuple[bytes, str]]:
    for name in _DIGESTS:
        for ending in (b"", b".", b"\n"):
            made = hashlib.new(name, content + ending, usedforsecurity=False)
            yield made.hexdigest().encode(), f"{way}, its {name}"
            yield base64.b64encode(made.digest()).rstrip(b"="), f"{way}, its {name} in base64"
            yield made.digest(), f"{way}, its {name} as octets"


def _layers(content: bytes) -> Iterator[bytes]:
    """Give the content, and what it is once unpacked, twice over."""
    for _ in range(3):
        yield content
        unpack = next((each for magic, each in _PACKED if content.startswith(magic)), None)
        if unpack is None:
            return
        try:
            content = unpack(content)[:_MOST_UNPACKED]
        except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError):
            return
