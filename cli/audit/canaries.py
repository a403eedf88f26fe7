"""Canaries: random words and addresses that are unique, and every form in which one may leak.

All words of one audit begin with the same random tag. So a file is searched for thirty forms of
the tag, and not for thousands of forms of the words. Digests have no common beginning: texts with
the length of a digest are looked up in a table.
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

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_LETTERS = string.ascii_lowercase + string.digits
_TAG_LENGTH = 15
"""A multiple of three, so that the tag fills whole groups of base64."""
_REST_LENGTH = 9
_MOST_UNPACKED = 256 << 20
_MOST_FOR_RAW_DIGESTS = 1 << 20
"""Digests as octets have no pattern: they are searched for one by one, in short content only."""
_MOST_FOR_PACKED = 1 << 10
"""In longer content any four octets occur by chance, so there must be a certain prefix, too."""
_BEFORE_PACKED = re.compile(rb"\x02\0..\Z|\xff\xff\Z|\0\x04\Z", re.DOTALL)
"""Prefixes: of a socket address, of an IPv4-mapped address, of the data of a DNS record."""
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
    """The canaries of one audit, each with how it was sent."""

    tag: str = field(default_factory=lambda: _random(_TAG_LENGTH), repr=False)
    sent: dict[str, str] = field(default_factory=dict, repr=False)
    _made_of_words: dict[bytes, str] = field(default_factory=dict, repr=False)

    def word(self, way: str) -> str:
        """Give a new word, for a label of a name, a form field, an option or a header."""
        word = self.tag + _random(_REST_LENGTH)
        self.sent[word] = way
        return word

    def address(self, way: str) -> str:
        """Give a new address of 127.0.0.0/8 to send from; each part has three digits."""
        while (
            address := "127." + ".".join(str(100 + secrets.randbelow(156)) for _ in range(3))
        ) in self.sent:
            pass
        self.sent[address] = way
        return address

    def made(self, name: str, way: str) -> str:
        """Note a name that contains a word: its digests differ from those of the word."""
        labels = [label.encode() for label in name.split(".")]
        wire = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
        self._made_of_words |= {name.encode(): way, wire: way}
        return name

    def needles(self, *, but: str = "") -> "Needles":
        """Give what to search for; `but`: an address that may be stored at this moment."""
        texts = dict(_forms(self.tag.encode(), "a word that was sent"))
        digests: dict[bytes, str] = {}
        packed: dict[bytes, str] = {}
        for content, way in list(self._made_of_words.items()):
            digests.update(_digests(content, way))
        for canary, way in list(self.sent.items()):
            if canary == but:
                continue
            digests.update(_digests(canary.encode(), way))
            with suppress(ValueError):
                address = ipaddress.ip_address(canary)
                packed[address.packed] = f"{way}, packed"
                texts.update(_forms(canary.encode(), way))
                texts.update(_forms_of_address(address, way))
                digests.update(_digests(address.packed, way))
            if "@" in canary:
                texts.update(_forms(canary.encode(), way))
        return Needles(texts, digests, packed)


@dataclass(frozen=True)
class Needles:
    """All forms of the canaries, each with a description."""

    texts: Mapping[bytes, str] = field(repr=False)
    digests: Mapping[bytes, str] = field(repr=False)
    packed: Mapping[bytes, str] = field(default_factory=dict, repr=False)

    def __or__(self, other: "Needles") -> "Needles":
        """Give the forms of both."""
        return Needles(
            {**self.texts, **other.texts},
            {**self.digests, **other.digests},
            {**self.packed, **other.packed},
        )

    def find(self, content: bytes) -> list[str]:
        """Describe the forms found in `content`, also if it is compressed; never the canary."""
        found: set[str] = set()
        for layer in _layers(content):
            in_lower_case = layer.lower()  # names in upstream queries have random case
            found.update(
                form
                for needle, form in self.texts.items()
                if needle in layer or needle in in_lower_case
            )
            found.update(form for one, form in self.packed.items() if _contains_packed(layer, one))
            for pattern in (_HEXADECIMAL, _BASE64):
                for word in set(pattern.findall(layer)):
                    found.update(filter(None, [self.digests.get(word.lower())]))
                    found.update(filter(None, [self.digests.get(word)]))
            if len(layer) <= _MOST_FOR_RAW_DIGESTS:
                found.update(form for digest, form in self.digests.items() if digest in layer)
        return sorted(found)


def _contains_packed(layer: bytes, packed: bytes) -> bool:
    if len(layer) <= _MOST_FOR_PACKED:
        return packed in layer
    positions = (match.start() for match in re.finditer(re.escape(packed), layer))
    return any(_BEFORE_PACKED.search(layer[max(at - 4, 0) : at]) for at in positions)


def _forms_of_address(address: IPAddress, way: str) -> Iterator[tuple[bytes, str]]:
    packed = address.packed
    for octets in (packed, packed[::-1]):
        yield octets.hex().encode(), f"{way}, packed and in hexadecimal"
        yield octets.hex(":").encode(), f"{way}, packed and in hexadecimal"
    yield repr(packed)[2:-1].encode(), f"{way}, packed and as Python shows it"
    yield address.reverse_pointer.encode(), f"{way}, as a name of in-addr.arpa"
    yield address.reverse_pointer.removesuffix(".in-addr.arpa").encode(), f"{way}, back to front"
    labels = address.reverse_pointer.split(".")
    wire = b"".join(bytes([len(label)]) + label.encode() for label in labels)
    yield wire, f"{way}, as a name of in-addr.arpa on the wire"
    yield str(int(address)).encode(), f"{way}, as a number"


def _forms(whole: bytes, way: str) -> Iterator[tuple[bytes, str]]:
    for name, text in {"in capitals": whole.upper(), "as text": whole}.items():
        if name == "in capitals" and text == whole:
            continue
        yield text, f"{way}, {name}"
        yield text[::-1], f"{way}, {name} and reversed"
        yield text.hex().encode(), f"{way}, {name} and in hexadecimal"
        yield text.hex().upper().encode(), f"{way}, {name} and in hexadecimal"
        yield b"".join(b"%%%02x" % octet for octet in text), f"{way}, {name} and percent-encoded"
        yield text.decode().encode("utf-16-le"), f"{way}, {name} and in UTF-16"
        yield text.decode().encode("utf-16-be"), f"{way}, {name} and in UTF-16"
        for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
            for shift in range(3):
                letters = alphabet(b"\0" * shift + text)
                # Only the letters that do not depend on the octets before and after.
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
    """Give the content, and what it contains after one and after two decompressions."""
    for _ in range(3):
        yield content
        unpack = next((each for magic, each in _PACKED if content.startswith(magic)), None)
        if unpack is None:
            return
        try:
            content = unpack(content)[:_MOST_UNPACKED]
        except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError):
            return
