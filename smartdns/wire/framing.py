"""DNS messages in a stream: each after its length in two octets (RFC 1035 section 4.2.2)."""


def with_length(message: bytes) -> bytes:
    """Frame one message; one write, so that prefix and message share a segment (RFC 7766, 8)."""
    return len(message).to_bytes(2, "big") + message


class FrameBuffer:
    """What came from a stream and is not a whole message yet; never over one message long."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def __len__(self) -> int:
        """Octets of the message that is not whole yet, its length among them."""
        return len(self._bytes)

    def add(self, data: bytes) -> list[bytes]:
        """Give the messages that are whole with `data`, in order; however it is cut up."""
        self._bytes += data
        messages, start = [], 0
        while len(self._bytes) - start >= 2:
            end = start + 2 + int.from_bytes(self._bytes[start : start + 2], "big")
            if end > len(self._bytes):
                break
            messages.append(bytes(self._bytes[start + 2 : end]))
            start = end
        del self._bytes[:start]
        return messages
