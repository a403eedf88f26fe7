"""Which of the sockets that share a port gets what comes in: always the same one for a household.

Without this Linux picks one of a SO_REUSEPORT group by a hash over addresses and ports, so each
query of a household may reach another worker. With it a small program in the kernel picks by the
network of the source, /24 of IPv4 and /56 of IPv6 (`rate_limit.stranger_key` has the same ones).
The program is classic BPF: it needs no privilege and has no memory. It runs for each datagram, and
for each connection at its first segment.

A socket's number in its group is its place in the order of bind(2) for UDP, of listen(2) for TCP.
It keeps that number while some process holds each of the group, whichever processes read from
them, and also when listen(2) is called again.

Sources: Documentation/networking/filter.rst of Linux, socket(7).
"""

import ctypes
import socket
import struct
import sys
from collections.abc import Sequence
from typing import NamedTuple

_ATTACH = 51
"""SO_ATTACH_REUSEPORT_CBPF of asm-generic/socket.h; Python has no name for it."""
_NETWORK_HEADER = -0x100000 & 0xFFFFFFFF
"""SKF_NET_OFF of linux/filter.h: offsets from here on count from the IP header."""

# Operations of linux/bpf_common.h: class | size or operation | mode or source.
_LOAD_WORD = 0x20  # BPF_LD | BPF_W | BPF_ABS, in network order
_LOAD_OCTET = 0x30  # BPF_LD | BPF_B | BPF_ABS
_MULTIPLY = 0x24  # BPF_ALU | BPF_MUL | BPF_K
_XOR_WITH_X = 0xAC  # BPF_ALU | BPF_XOR | BPF_X
_SHIFT_RIGHT = 0x74  # BPF_ALU | BPF_RSH | BPF_K
_JUMP_IF_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_TO_X = 0x07  # BPF_MISC | BPF_TAX
_FROM_X = 0x87  # BPF_MISC | BPF_TXA
_RETURN = 0x16  # BPF_RET | BPF_A

_SPREADING = 0x9E3779B1
"""A prime near 2^32 / the golden ratio: its multiples spread evenly (Knuth, TAOCP 3, 6.4)."""


class Instruction(NamedTuple):
    """One of `struct sock_filter`; A and X are the machine's two registers of 32 bits."""

    operation: int
    if_true: int = 0
    """Instructions to skip."""
    if_false: int = 0
    operand: int = 0


def program(sockets: int) -> tuple[Instruction, ...]:
    """Give the number of a socket, below `sockets`, for a packet of either IP version."""
    return (
        # Octets 12 to 14 end the /24 of an IPv4 source, which begins at 12, and the /56 of an
        # IPv6 source, which begins at 8.
        Instruction(_LOAD_WORD, operand=_NETWORK_HEADER + 12),
        Instruction(_SHIFT_RIGHT, operand=8),
        Instruction(_TO_X),
        Instruction(_LOAD_OCTET, operand=_NETWORK_HEADER),
        Instruction(_SHIFT_RIGHT, operand=4),
        Instruction(_JUMP_IF_EQUAL, if_false=4, operand=6),
        Instruction(_LOAD_WORD, operand=_NETWORK_HEADER + 8),
        Instruction(_MULTIPLY, operand=_SPREADING),
        Instruction(_XOR_WITH_X),
        Instruction(_TO_X),
        Instruction(_FROM_X),
        Instruction(_MULTIPLY, operand=_SPREADING),
        # The upper 16 bits are the well mixed ones. As a fraction of 2^16 they are scaled to the
        # number of sockets, which spreads neighbours more evenly than a remainder does.
        Instruction(_SHIFT_RIGHT, operand=16),
        Instruction(_MULTIPLY, operand=sockets),
        Instruction(_SHIFT_RIGHT, operand=16),
        Instruction(_RETURN),
    )


def pick_by_source(group: Sequence[socket.socket]) -> bool:
    """Let the kernel pick by source among `group`, all that share one address and port.

    UDP sockets are bound already. TCP sockets may listen later, but in this order: otherwise
    listen(2) fails for the first. Gives False where the system cannot do this, or where the
    sockets do not share their port by SO_REUSEPORT; then it goes on picking in its own way.
    """
    if sys.platform != "linux":
        return False  # the option's number means something else there
    instructions = program(len(group))
    octets = b"".join(struct.pack("=HBBI", *each) for each in instructions)
    held = ctypes.create_string_buffer(octets, len(octets))  # read during the call only
    sock_fprog = struct.pack("HP", len(instructions), ctypes.addressof(held))
    try:
        group[0].setsockopt(socket.SOL_SOCKET, _ATTACH, sock_fprog)
    except OSError:
        return False
    return True
