"""What the server does with requests before any page sees them."""

import socket

import pytest

from registry.web.server.site import LONGEST_BODY
from tests.registry.web.conftest import Visitor


def exchange(visitor: Visitor, *pieces: bytes) -> bytes:
    """Send octets as they are and read until the server closes."""
    with socket.create_connection(
        ("127.0.0.1", visitor.server.port), 20, source_address=(visitor.address, 0)
    ) as connection:
        reply = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
            while piece := connection.recv(65536):
                reply += piece
        except (ConnectionResetError, BrokenPipeError):
            pass
        return reply


@pytest.mark.parametrize("path", ["/", "/sign-in", "/static/style.css", "/nowhere", "/addresses"])
def test_no_reply_names_the_server(visitor: Visitor, path: str) -> None:
    """No Server header, no version, no X-Powered-By, on pages, files and errors."""
    page = visitor.client().request("GET", path)
    assert "Server" not in page.headers
    assert not {"X-Powered-By", "Via"} & set(page.headers)
    assert b"Twisted" not in page.body
    assert b"Werkzeug" not in page.body


def test_a_body_that_announces_itself_as_too_large_is_not_read(visitor: Visitor) -> None:
    """413 at once, before the body, and the connection is closed."""
    head = b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (LONGEST_BODY + 1)
    reply = exchange(visitor, head)
    assert reply.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close" in reply
    assert reply.count(b"HTTP/1.1") == 1


def test_a_body_in_chunks_is_cut_off_where_it_becomes_too_large(visitor: Visitor) -> None:
    """413 although no length was announced; no second reply follows."""
    head = b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"4000\r\n" + b"a" * 0x4000 + b"\r\n"
    reply = exchange(visitor, head, *[chunk] * (LONGEST_BODY // 0x4000 + 1), b"0\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 413 ")
    assert reply.count(b"HTTP/1.1") == 1


def test_a_body_of_the_longest_size_is_read(visitor: Visitor) -> None:
    """One octet less is answered by the page (which refuses it for want of a token)."""
    head = b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    head += b"Content-Type: application/x-www-form-urlencoded\r\n"
    head += b"Content-Length: %d\r\n\r\n" % LONGEST_BODY
    assert exchange(visitor, head, b"a" * LONGEST_BODY).startswith(b"HTTP/1.1 400 ")


def test_two_lengths_are_refused(visitor: Visitor) -> None:
    """Content-Length beside Transfer-Encoding, or twice, is the start of smuggling."""
    for second in (b"Transfer-Encoding: chunked", b"Content-Length: 3"):
        head = b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n" + second + b"\r\n\r\n"
        assert exchange(visitor, head, b"abcd").startswith(b"HTTP/1.1 400 ")


def test_a_proxy_protocol_line_is_no_request(visitor: Visitor) -> None:
    """A PROXY line of a stranger is refused, not believed."""
    reply = exchange(
        visitor,
        b"PROXY TCP4 8.8.8.8 127.0.0.1 4711 80\r\nGET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    )
    assert reply.startswith(b"HTTP/1.1 400 ")
    assert b"8.8.8.8" not in reply


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "a@b", "[::1", ""])
def test_a_name_that_is_not_ours_is_refused(visitor: Visitor, host: str) -> None:
    """A foreign name that points here (DNS rebinding) gets nothing; routers may send none."""
    page = visitor.client().request("GET", "/sign-in", headers={"Host": host})
    assert page.status == (200 if host == "" else 400)
    assert host.encode() not in page.body or host == ""


def test_http_1_0_is_served(visitor: Visitor) -> None:
    """Old routers and TVs speak HTTP/1.0 without a Host."""
    reply = exchange(visitor, b"GET /sign-in HTTP/1.0\r\n\r\n")
    assert b" 200 " in reply.partition(b"\r\n")[0]


def test_an_unfinished_request_does_not_hold_others_up(visitor: Visitor) -> None:
    """Fifty connections that never finish their headers leave the page answering."""
    idle = [socket.create_connection(("127.0.0.1", visitor.server.port)) for _ in range(50)]
    for connection in idle:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
    assert visitor.client().get("/sign-in").status == 200
    for connection in idle:
        connection.close()
