import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartdns.wire.host_name import NoName, Outcome
from smartdns.wire.http_host import MAX_HEAD, HttpHostReader

WIRE = b"\x03www\x07example\x03com\x00"
NEVER, NOT_YET = NoName.NEVER, NoName.NOT_YET
HOST = b"Host: www.example.com\r\n"
GET = b"GET /film?id=1 HTTP/1.1\r\n" + HOST + b"User-Agent: tv\r\n\r\n"


def read(data: bytes, size: int | None = None) -> Outcome:
    """Feed `data` in pieces of `size` octets; the first outcome that decides."""
    reader = HttpHostReader()
    outcome: Outcome = NOT_YET
    for at in range(0, len(data), size or len(data)):
        outcome = reader.feed(data[at : at + (size or len(data))])
        if outcome is not NOT_YET:
            break
    assert data.startswith(bytes(reader.received))
    return outcome


@pytest.mark.parametrize("size", [1, 2, 3, 10, None])
def test_the_host_is_found_in_any_segments(size: int | None) -> None:
    """One octet at a time or all at once."""
    assert read(GET, size) == WIRE


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.0\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\nHOST:WWW.EXAMPLE.COM.:80  \r\n\r\n",
        b"GET / HTTP/1.1\r\nhost:\twww.example.com:\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
        b"POST /a HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc",
        b"POST /a HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nX-Empty:\r\nX: caf\xc3\xa9 \t x\r\n" + HOST + b"\r\n",
    ],
)
def test_what_real_clients_send_is_understood(request_: bytes) -> None:
    """Both versions, ports, blanks around the value, bodies."""
    assert read(request_) == WIRE


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"host: other.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nAccept: */*\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a.example, b.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: www.example.com:123456\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: user@www.example.com\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : www.example.com\r\n\r\n",
        b"GET / HTTP/1.1\r\n Host: www.example.com\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: y\r\n folded\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"\tfolded.example\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X: a\rb\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\nX: y\n" + HOST + b"\r\n",
        b"GET http://www.example.com/ HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET //www.example.com/ HTTP/2.0\r\n" + HOST + b"\r\n",
        b"GET www.example.com HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET * HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / a HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /\r\n" + HOST + b"\r\n",
        b"CONNECT www.example.com:443 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"CONNECT / HTTP/1.1\r\n" + HOST + b"\r\n",
        b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: +3\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: \x0bchunked\r\n\r\n",
    ],
)
@pytest.mark.parametrize("size", [1, None])
def test_what_two_readers_could_understand_differently_is_refused(
    request_: bytes, size: int | None
) -> None:
    """Request smuggling lives on these."""
    assert read(request_, size) is NEVER


@pytest.mark.parametrize("first", [b"\x16\x03\x01", b"\r\nGET / HTTP/1.1\r\n", b"get /", b"\x00"])
def test_other_protocols_are_told_apart_at_once(first: bytes) -> None:
    """TLS on the HTTP port is not waited for."""
    assert read(first) is NEVER


def test_the_head_is_bounded() -> None:
    """A head that does not end is given up, in small segments too."""
    endless = b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * MAX_HEAD
    assert read(endless) is NEVER
    assert read(endless, 999) is NEVER
    assert read(endless[: MAX_HEAD - 1]) is NOT_YET


@given(st.binary(max_size=300), st.integers(0, len(GET)), st.integers(1, 40))
def test_no_octets_raise_and_segments_do_not_matter(junk: bytes, at: int, size: int) -> None:
    """Octets put anywhere into a request end in one of the three outcomes, however cut."""
    request_ = GET[:at] + junk + GET[at:]
    assert read(request_, size) == read(request_)
