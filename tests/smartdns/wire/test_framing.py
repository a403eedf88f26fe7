"""Messages in a stream, however it is cut up."""

from hypothesis import given
from hypothesis import strategies as st

from smartdns.wire.framing import FrameBuffer, with_length


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(1, 40), min_size=1))
def test_what_is_framed_comes_out_in_order(messages: list[bytes], sizes: list[int]) -> None:
    """In pieces of any size; at the end nothing is left."""
    stream = b"".join(map(with_length, messages))
    frames, found, at, turn = FrameBuffer(), list[bytes](), 0, 0
    while at < len(stream):
        size = sizes[turn % len(sizes)]
        found += frames.add(stream[at : at + size])
        at, turn = at + size, turn + 1
    assert found == messages
    assert len(frames) == 0


def test_half_a_message_is_waited_for() -> None:
    """What is not whole yet is counted, its length among it."""
    frames = FrameBuffer()
    assert frames.add(b"\0\3ab") == []
    assert len(frames) == 4
    assert frames.add(b"c\0") == [b"abc"]
    assert len(frames) == 1
