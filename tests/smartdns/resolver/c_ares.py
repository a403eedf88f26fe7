"""Look IPv4 addresses up with c-ares at a port of 127.0.0.1; one line for each name."""

import ctypes
import ctypes.util
import select
import socket
import sys

_INET, _NO_DATA, _NO_NAME = 2, 1, 4


class _HostEntry(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("aliases", ctypes.POINTER(ctypes.c_char_p)),
        ("family", ctypes.c_int),
        ("length", ctypes.c_int),
        ("addresses", ctypes.POINTER(ctypes.POINTER(ctypes.c_ubyte * 4))),
    )


_Callback = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.POINTER(_HostEntry)
)


def look_up(ares: ctypes.CDLL, port: int, name: str) -> str:
    """Give the first address, or why there is none."""
    channel, said = ctypes.c_void_p(), []

    def answered(
        _: object, status: int, _timeouts: int, entry: "ctypes._Pointer[_HostEntry]"
    ) -> None:
        if status == 0:
            said.append(socket.inet_ntoa(bytes(entry.contents.addresses[0].contents)))
        else:
            said.append({_NO_DATA: "no data", _NO_NAME: "no such name"}.get(status, str(status)))

    callback = _Callback(answered)
    ares.ares_init(ctypes.byref(channel))
    ares.ares_set_servers_ports_csv(channel, f"127.0.0.1:{port}".encode())
    ares.ares_gethostbyname(channel, name.encode(), _INET, callback, None)
    while not said:
        sockets = (ctypes.c_int * 16)()
        bits = ares.ares_getsock(channel, sockets, 16)
        reading = [sockets[n] for n in range(16) if bits >> n & 1]
        writing = [sockets[n] for n in range(16) if bits >> (16 + n) & 1]
        can_read, can_write, _ = select.select(reading, writing, [], 0.1)
        for each in set(can_read) | set(can_write) or {-1}:
            ares.ares_process_fd(
                channel, each if each in can_read else -1, each if each in can_write else -1
            )
    ares.ares_destroy(channel)
    return said[0]


def main() -> None:
    """Read port and names from the command line."""
    ares = ctypes.CDLL(ctypes.util.find_library("cares") or "libcares.so.2")
    ares.ares_library_init(1)
    for name in sys.argv[2:]:
        sys.stdout.write(look_up(ares, int(sys.argv[1]), name) + "\n")


main()
