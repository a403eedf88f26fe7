"""Domain names: text as people write it <-> lower-cased wire form."""

import re

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_ORDINARY = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LONGEST_NAME = 255  # octets of wire form, RFC 1035 section 2.3.4
_LONGEST_LABEL = 63


class NameFormatError(ValueError):
    """A text that is no host name; says what is wrong and what to write."""


def parse_name(text: str) -> bytes:
    """`www.Example.com` or `www.example.com.` -> its uncompressed, lower-cased wire form.

    Labels are letters, digits, hyphens and underscores; others become A-labels (IDNA 2008 with
    the mapping of UTS 46). Raises NameFormatError.
    """
    name = text.lower().removesuffix(".")
    if "xn--" in name or not _ORDINARY.fullmatch(name):
        name = _with_a_labels(text)
    labels = name.split(".")
    if labels[-1].isdigit():
        raise NameFormatError(f"{text!r} is an address or ends in a number; write a host name")
    wire = b"".join(bytes((len(label),)) + label.encode("ascii") for label in labels) + b"\0"
    if len(wire) > _LONGEST_NAME:
        raise NameFormatError(
            f"{text!r} is longer than a domain name can be ({_LONGEST_NAME} octets)"
        )
    return wire


def render_name(wire: bytes) -> str:
    r"""The text of a wire-form name, without the last dot; odd octets as `\DDD` (RFC 4343)."""
    return ".".join(_render_label(label) for label in split_labels(wire)) or "."


def split_labels(wire: bytes) -> list[bytes]:
    """The labels of a wire-form name, without the root's."""
    labels, start = [], 0
    while length := wire[start]:
        labels.append(wire[start + 1 : start + 1 + length])
        start += length + 1
    return labels


def tails(wire: bytes) -> list[bytes]:
    """The name itself and every name above it but the root, longest first."""
    found, start = [], 0
    while wire[start]:
        found.append(wire[start:])
        start += wire[start] + 1
    return found


def _render_label(label: bytes) -> str:
    return "".join(
        f"\\{octet:03d}"
        if not 0x21 <= octet <= 0x7E
        else f"\\{octet:c}"
        if octet in b'.\\"();@$'
        else chr(octet)
        for octet in label
    )


def _with_a_labels(text: str) -> str:
    """The lower-cased ASCII form of a name that is not plainly one; raises NameFormatError."""
    name = text.removesuffix(".")
    if "/" in name or ":" in name:
        raise NameFormatError(f"{text!r} is not a host name alone; leave out scheme, port and path")
    if "*" in name:
        raise NameFormatError(f"{text!r} has a wildcard; write what follows `*.` under `suffixes`")
    mapped = name.lower() if name.isascii() else _mapped(text, name)
    labels = mapped.split(".")
    for label in labels:
        if len(label) > _LONGEST_LABEL:
            raise NameFormatError(f"{text!r} has a label of more than {_LONGEST_LABEL} characters")
        if not label:
            raise NameFormatError(f"{text!r} has an empty label; look for a dot too many")
    name = ".".join(_a_label(text, label) for label in labels)
    if not _ORDINARY.fullmatch(name):
        raise NameFormatError(
            f"{text!r} is not a host name: letters, digits, `-` inside a label, `_` and dots only"
        )
    return name


def _mapped(text: str, name: str) -> str:
    import idna  # noqa: PLC0415 - 15 ms that only a name outside ASCII should cost

    try:
        return idna.uts46_remap(name, std3_rules=False)
    except idna.IDNAError:
        raise NameFormatError(f"{text!r} has a character that no domain name can have") from None


def _a_label(text: str, label: str) -> str:
    if label.isascii() and not label.startswith("xn--"):
        return label
    import idna  # noqa: PLC0415 - as above

    try:
        return idna.alabel(label).decode("ascii")
    except idna.IDNAError:
        raise NameFormatError(
            f"{text!r} is not a valid internationalised name (IDNA 2008); copy it anew"
        ) from None
