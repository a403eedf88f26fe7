"""The client's side of SOCKS5 (RFC 1928) with user name and password (RFC 1929).

The name goes to the server unresolved, so that it is resolved where the way out is.
"""

import enum

from smartdns.answering.query import Name

_VERSION = 5
_NO_AUTHENTICATION, _PASSWORD = 0, 2
_CONNECT, _DOMAIN_NAME = 1, 3
_ADDRESS_LENGTHS = {1: 4, 4: 16}


class Refused(Exception):  # noqa: N818 - what happened, not what went wrong here
    """The server will not connect, or does not speak SOCKS5; carries no data."""


class Step(enum.Enum):
    """What the server is to send next."""

    METHOD = enum.auto()
    AUTHENTICATION = enum.auto()
    REPLY = enum.auto()
    BOUND_ADDRESS = enum.auto()
    CONNECTED = enum.auto()


class Socks5Connect:
    """One CONNECT: send `greeting`, then pass exactly `wanted` octets at a time to `feed`.

    Nothing beyond `wanted` may be taken from the socket: what follows is the origin's.
    """

    __slots__ = ("_credentials", "_request", "greeting", "step", "wanted")

    def __init__(self, name: Name, port: int, credentials: tuple[bytes, bytes] | None) -> None:
        methods = bytes((_NO_AUTHENTICATION,) if credentials is None else (_PASSWORD,))
        self.greeting = bytes((_VERSION, len(methods))) + methods
        self.step = Step.METHOD
        self.wanted = 2
        self._credentials = credentials
        text = _text(name)
        self._request = b"".join(
            (bytes((_VERSION, _CONNECT, 0, _DOMAIN_NAME, len(text))), text, port.to_bytes(2))
        )

    def feed(self, data: bytes) -> bytes:
        """Take `wanted` octets; give what to send now. Raises Refused."""
        match self.step:
            case Step.METHOD:
                return self._method(data)
            case Step.AUTHENTICATION:
                if data[1] != 0:
                    raise Refused
                self._await(Step.REPLY, 5)
                return self._request
            case Step.REPLY:
                self._reply(data)
            case _:
                self._await(Step.CONNECTED, 0)
        return b""

    def _method(self, data: bytes) -> bytes:
        if data == bytes((_VERSION, _NO_AUTHENTICATION)) and self._credentials is None:
            self._await(Step.REPLY, 5)
            return self._request
        if data == bytes((_VERSION, _PASSWORD)) and self._credentials is not None:
            self._await(Step.AUTHENTICATION, 2)
            user, password = self._credentials
            return b"".join((b"\x01", bytes((len(user),)), user, bytes((len(password),)), password))
        raise Refused

    def _reply(self, data: bytes) -> None:
        """Version, reply, reserved, address type, and the first octet of the bound address."""
        if data[0] != _VERSION or data[1] != 0:
            raise Refused
        length = data[4] + 1 if data[3] == _DOMAIN_NAME else _ADDRESS_LENGTHS.get(data[3])
        if length is None:
            raise Refused
        self._await(Step.BOUND_ADDRESS, length - 1 + 2)

    def _await(self, step: Step, wanted: int) -> None:
        self.step, self.wanted = step, wanted


def _text(name: Name) -> bytes:
    labels, at = [], 0
    while name[at]:
        labels.append(name[at + 1 : at + 1 + name[at]])
        at += 1 + name[at]
    return b".".join(labels)
