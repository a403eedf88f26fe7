"""ClientHello messages: real ones of OpenSSL's, and any that a test cares to build."""

import ssl


def real_client_hello(name: str) -> bytes:
    """Give the first record that Python's ssl sends for `name`."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=name)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("a handshake without a peer cannot end")


def block(length_octets: int, content: bytes) -> bytes:
    """Put a length in front."""
    return len(content).to_bytes(length_octets) + content


def extension(kind: int, content: bytes) -> bytes:
    """One extension."""
    return kind.to_bytes(2) + block(2, content)


def server_name(*names: bytes) -> bytes:
    """Give the server_name extension with a list of host names."""
    return extension(0, block(2, b"".join(b"\x00" + block(2, name) for name in names)))


def handshake(*extensions: bytes, ciphers: bytes = b"\x13\x01") -> bytes:
    """Give a ClientHello message with these extensions."""
    body = b"\x03\x03" + bytes(range(32)) + block(1, bytes(32)) + block(2, ciphers)
    return b"\x01" + block(3, body + block(1, b"\x00") + block(2, b"".join(extensions)))


def records(message: bytes, size: int = 16_384) -> bytes:
    """Cut a handshake message into records of at most `size` octets."""
    parts = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(b"\x16\x03\x01" + block(2, part) for part in parts)
