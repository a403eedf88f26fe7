"""Hostile packets through parser, decision and rendering, without a socket."""

import pytest

from smartdns.answering.query import Transport
from tests.smartdns.made import HOME, STRANGER, knowledge, react, source
from tests.smartdns.wire.malformed import SANE, malformed
from tests.smartdns.wire.reactions import faults


def test_the_corpus_is_large_and_the_same_each_time() -> None:
    """At least 3,000 different packets, in the same order in every run."""
    packets = list(malformed())
    assert packets == list(malformed())
    assert len(set(packets)) >= 3_000


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("address", [HOME, STRANGER])
def test_no_packet_gets_a_wrong_reaction(transport: Transport, address: bytes) -> None:
    """Neither a crash, a mangled question, nor a byte too many; the next query is answered."""
    known = knowledge()
    where = source(address, transport=transport)
    wrong = []
    for packet in malformed():
        got = react(packet, known, where)
        found = faults(packet, got, over_udp=transport == "udp", refused=address == STRANGER)
        wrong += [(fault, packet.hex(), got and got.hex()) for fault in found]
        assert react(SANE[0], known, where) is not None
    assert not wrong, (len(wrong), wrong[:5])
