"""What may come back for a packet, whatever the packet: judged on octets, with dnspython's help."""

import struct

import dns.exception
import dns.message

REFUSALS = {1, 5}  # FORMERR, REFUSED
MAXIMUM_GROWTH_OF_A_REFUSAL = 64


def faults(sent: bytes, got: bytes | None, *, over_udp: bool, refused: bool) -> list[str]:
    """Say everything that is wrong with the reaction `got` (None: silence) to `sent`."""
    if len(sent) < 12 or sent[2] & 0x80:
        return [] if got is None else ["a reply to what must get none"]
    if got is None:
        return ["silence"]
    if len(got) < 12:
        return ["a reply without a header"]
    return [*_header_faults(sent, got), *_body_faults(sent, got, over_udp=over_udp)] + (
        _refusal_faults(sent, got) if refused else []
    )


def _header_faults(sent: bytes, got: bytes) -> list[str]:
    id_, flags, questions = struct.unpack_from("!HHH", got)
    sent_id, sent_flags = struct.unpack_from("!HH", sent)
    found = []
    if id_ != sent_id:
        found.append("another ID")
    if not flags & 0x8000:
        found.append("no QR")
    if (flags ^ sent_flags) & 0x7800:
        found.append("another opcode")
    if (flags ^ sent_flags) & 0x0100:
        found.append("RD not copied")
    if flags & 0x0440:
        found.append("AA or the reserved bit")
    if questions == 1:
        if _question(got) is None or _question(got) != _question(sent):
            found.append("a mangled question")
    elif questions:
        found.append("several questions")
    return found


def _body_faults(sent: bytes, got: bytes, *, over_udp: bool) -> list[str]:
    try:
        message = dns.message.from_wire(got, keyring=False, ignore_trailing=False)
    except dns.exception.DNSException as error:
        return [f"unreadable: {type(error).__name__}"]
    found = []
    size = _payload_size(sent)
    if over_udp and len(got) > min(max(size or 0, 512), 1232):
        found.append("over the size")
    if message.edns >= 0 and size is None:
        found.append("an OPT record that nobody asked for")
    return found


def _refusal_faults(sent: bytes, got: bytes) -> list[str]:
    found = []
    if got[3] & 0xF not in REFUSALS:
        found.append("not refused")
    if got[6:10] != bytes(4):
        found.append("data in a refusal")
    if len(got) > len(sent) + MAXIMUM_GROWTH_OF_A_REFUSAL:
        found.append("a refusal that amplifies")
    return found


def _question(packet: bytes) -> bytes | None:
    """Octets of the first question, uncompressed as it must be; None if it is not."""
    offset = 12
    while offset < len(packet) and 0 < packet[offset] < 64:
        offset += 1 + packet[offset]
    return packet[12 : offset + 5] if offset + 5 <= len(packet) and packet[offset] == 0 else None


def _payload_size(packet: bytes) -> int | None:
    """What the OPT record of a query says, read leniently; None where there is none at all."""
    if b"\0\0\x29" not in packet:
        return None
    try:
        message = dns.message.from_wire(
            packet, keyring=False, ignore_trailing=True, continue_on_error=True
        )
    except (dns.exception.DNSException, ValueError):
        return 1232
    return message.payload if message.edns >= 0 else 512
