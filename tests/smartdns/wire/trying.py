"""The malformed packets on real sockets, each followed by a sane query that must be answered."""

import contextlib
import socket

import dns.message

from smartdns.wire.framing import FrameBuffer, with_length
from tests.smartdns.wire.malformed import malformed
from tests.smartdns.wire.reactions import faults

_AGAIN_AFTER_S, _TIMES = 5, 12
SANE_QUERY = dns.message.make_query("www.netflix.com", "A").to_wire()


def try_packets(port: int, source: str, *, refused: bool) -> list[object]:
    """Send each packet in a datagram; give those with a wrong reaction."""
    wrong: list[object] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind((source, 0))
        client.connect(("127.0.0.1", port))
        client.settimeout(_AGAIN_AFTER_S)
        for number, packet in enumerate(malformed()):
            mark = _mark(number, packet)
            client.send(packet)
            client.send(mark + SANE_QUERY[2:])
            replies = _replies(client, mark)
            if not replies and faults(packet, None, over_udp=True, refused=False):
                replies = [_later(client, packet)]  # it went upstream, so the sane one was faster
            got = replies[0] if replies else None
            found = faults(packet, got, over_udp=True, refused=refused)
            if found or len(replies) > 1:
                wrong.append((packet, found))
    return wrong


def _later(client: socket.socket, packet: bytes) -> bytes:
    """Give the reply to a packet; ask again as a stub does: a busy resolver drops what is late."""
    for _ in range(_TIMES):
        with contextlib.suppress(TimeoutError):
            return client.recv(65_535)
        client.send(packet)
    raise TimeoutError("no reply, however often it is asked")


def _mark(number: int, packet: bytes) -> bytes:
    """Give an ID that is not the packet's."""
    mark = (number * 7 + 1).to_bytes(4, "big")[2:]
    return mark if mark != packet[:2] else bytes(2)


def _replies(client: socket.socket, mark: bytes) -> list[bytes]:
    """Give what comes before the reply with the ID `mark`."""
    sane = mark + SANE_QUERY[2:]
    replies = [_later(client, sane)]
    while replies[-1][:2] != mark:
        replies.append(_later(client, sane))
    return replies[:-1]


def try_messages(port: int, source: str, *, refused: bool) -> list[object]:
    """Send each packet over a stream; give those with a wrong reaction."""
    wrong: list[object] = []
    packets = [packet for packet in malformed() if packet]
    client = socket.create_connection(("127.0.0.1", port), 10, (source, 0))
    for packet in packets:
        client.sendall(with_length(packet))
        silent = not faults(packet, None, over_udp=False, refused=False)
        try:
            replies = read_messages(client, 1)
        except ConnectionResetError:
            replies = []
        got = replies[0] if replies else None
        found = faults(packet, got, over_udp=False, refused=refused)
        if found:
            wrong.append((packet, got, found))
        if silent:  # closed, as it should be
            client.close()
            client = socket.create_connection(("127.0.0.1", port), 10, (source, 0))
        client.sendall(with_length(SANE_QUERY))
        if not read_messages(client, 1):
            wrong.append((packet, "no answer to a sane query"))
            client = socket.create_connection(("127.0.0.1", port), 10, (source, 0))
    client.close()
    return wrong


def read_messages(client: socket.socket, count: int) -> list[bytes]:
    """Read so many messages, or those that come before the end."""
    frames, messages = FrameBuffer(), []
    while len(messages) < count and (data := client.recv(65_536)):
        messages += frames.add(data)
    return messages
