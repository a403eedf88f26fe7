"""Names by which we recognise our own query when an upstream sends it back to us.

Only our workers, which share the cookie secret, can make such a name. So each worker recognises it,
and nobody else can make us report a loop.
"""

from typing import Final

from smartdns.answering.names import first_label, name_of, parent
from smartdns.answering.numbers import CLASS_IN, NOERROR, TXT
from smartdns.answering.plan import Record, Reply
from smartdns.answering.query import Name, Question
from smartdns.answering.replies.records import text_data
from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.answering.rules.cookies import siphash_2_4

SUFFIX: Final = name_of("mediastreamer-loop.example.net")
"""A name that any resolver forwards, since its domain exists and has nothing below it."""
NONCE_LENGTH: Final = 8
_MARK: Final = text_data("loop")


def probe_name(nonce: bytes, secret: bytes) -> Name:
    """Give the name of one probe; `nonce` has 8 octets, `secret` 16."""
    label = (nonce + siphash_2_4(secret, nonce)).hex().encode()
    return Name(bytes((len(label),)) + label + SUFFIX)


def is_probe(question: Question, secret: bytes) -> bool:
    """Say whether a question is one that we sent upstream ourselves."""
    if parent(question.name) != SUFFIX:
        return False
    try:
        nonce = bytes.fromhex(first_label(question.name).decode())[:NONCE_LENGTH]
    except ValueError:
        return False
    return len(nonce) == NONCE_LENGTH and probe_name(nonce, secret) == question.name


def probe_reply(question: Question) -> Reply:
    """Give the reply "loop" to a probe; it reaches us again through the upstream."""
    return Reply(NOERROR, (Record(question.name, TXT, CLASS_IN, 0, _MARK),))


def shows_loop(reply: UpstreamReply) -> bool:
    """Say whether the reply to a probe is our own."""
    return any(record.type == TXT and record.data == _MARK for record in reply.answer)
