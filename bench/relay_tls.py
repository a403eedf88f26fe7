"""Real TLS 1.3 handshakes through a relay: the origin that makes them, and the clients.

    python -m bench.relay_tls serve PORT FOLDER           makes a certificate in FOLDER
    python -m bench.relay_tls shake FOLDER PORT COUNT     seconds

Each connection is a full handshake, a small request and its answer; sessions are not resumed.
"""

import contextlib
import datetime
import itertools
import socket
import ssl
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.relay_load import DOMAIN
from tests.peers.certificates import CertificatePair, self_signed

HOST = f"tls.{DOMAIN}"
_AT_ONCE = 16
_REQUEST, _ANSWER = bytes(200), bytes(1_000)


def serve(port: int, folder: Path) -> None:
    """Serve for ever."""
    pair = self_signed(HOST, folder, datetime.timedelta(days=1))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    listening = socket.create_server(("127.0.0.1", port), backlog=4096)
    with ThreadPoolExecutor(2 * _AT_ONCE) as pool:
        while True:
            accepted, _ = listening.accept()
            pool.submit(_answer, accepted, context)


def _answer(accepted: socket.socket, context: ssl.SSLContext) -> None:
    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with (
        contextlib.suppress(OSError),
        context.wrap_socket(accepted, server_side=True) as connection,
    ):
        connection.recv(len(_REQUEST))
        connection.sendall(_ANSWER)


def shake(port: int, folder: Path, count: int) -> float:
    """Make `count` connections, some at a time; seconds."""
    pair = CertificatePair(folder / f"{HOST}.crt", folder / f"{HOST}.key")
    context = pair.trusting_context()

    def one(_number: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with context.wrap_socket(client, server_hostname=HOST) as connection:
                connection.sendall(_REQUEST)
                answered = 0
                while answered < len(_ANSWER):
                    if not (data := connection.recv(len(_ANSWER))):
                        raise ConnectionResetError
                    answered += len(data)

    begin = time.perf_counter()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in pool.map(one, itertools.repeat(0, count)):
            pass
    return time.perf_counter() - begin


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        print(shake(int(sys.argv[3]), Path(sys.argv[2]), int(sys.argv[4])), flush=True)
