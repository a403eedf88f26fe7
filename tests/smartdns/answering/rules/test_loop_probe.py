"""Names by which we recognise a query of our own that an upstream sends back."""

import os

from hypothesis import given
from hypothesis import strategies as st

from smartdns.answering.names import name_of
from smartdns.answering.numbers import CLASS_IN, NOERROR, TXT
from smartdns.answering.plan import Record
from smartdns.answering.query import Name, Question
from smartdns.answering.rules.loop_probe import (
    NONCE_LENGTH,
    SUFFIX,
    is_probe,
    probe_name,
    probe_reply,
    shows_loop,
)
from tests.smartdns.made import said

SECRET = bytes(range(16))


def probe(nonce: bytes = bytes(NONCE_LENGTH), secret: bytes = SECRET) -> Question:
    """Give the question of one probe."""
    return asking(probe_name(nonce, secret))


def asking(name: Name) -> Question:
    """Ask for the texts of a name."""
    return Question(name, TXT, CLASS_IN)


@given(st.binary(min_size=NONCE_LENGTH, max_size=NONCE_LENGTH))
def test_who_has_the_secret_knows_every_probe(nonce: bytes) -> None:
    """Whichever worker or machine sent it; nobody else can make one."""
    assert is_probe(probe(nonce), SECRET)
    assert not is_probe(probe(nonce), bytes(16))


def test_a_changed_octet_makes_a_name_like_any_other() -> None:
    """Guessing one costs 2^64 attempts, each of which is seen."""
    name = probe_name(os.urandom(NONCE_LENGTH), SECRET)
    for place in range(1, 2 * NONCE_LENGTH + 17):
        changed = bytearray(name)
        changed[place] = ord("0") if changed[place] != ord("0") else ord("1")
        assert not is_probe(asking(Name(bytes(changed))), SECRET)


def test_names_of_another_form_are_none() -> None:
    """The suffix itself, a label that is not hexadecimal, a shorter nonce, a name further below."""
    ours = probe_name(bytes(NONCE_LENGTH), SECRET)
    for name in (
        SUFFIX,
        Name(b"\x04text" + SUFFIX),
        Name(b"\x02\xff\xfe" + SUFFIX),
        Name(b"\x0400ff" + SUFFIX),
        Name(b"\x01a" + ours),
        name_of("www.example.com"),
    ):
        assert not is_probe(asking(name), SECRET)


def test_our_reply_shows_the_loop_and_no_other_does() -> None:
    """An upstream that says NXDOMAIN, or has a text of its own, does not lead back to us."""
    asked = probe()
    reply = probe_reply(asked)
    assert reply.rcode == NOERROR
    assert reply.answer[0].ttl == 0, "no cache on the way keeps it"
    assert shows_loop(said(asked, *reply.answer))
    assert not shows_loop(said(asked))
    assert not shows_loop(said(asked, Record(asked.name, TXT, CLASS_IN, 0, b"\x05loops")))
    assert not shows_loop(said(asked, Record(asked.name, 1, CLASS_IN, 0, b"\x04loo")))
