"""Forms of one question: with or without an OPT record, in upper or lower case.

Stub resolvers of one household ask the same question in several forms. The replies differ only in
the case of the question and in the OPT record. So the memo keeps the reply to the *plain* form (no
OPT, lower case); a query in another form gets that reply with these two things changed.

Queries and replies here begin after the ID, as in the memo.
"""

from typing import Final, NamedTuple

from smartdns.answering.numbers import HEADER_LENGTH, OPT, PAYLOAD_SIZE_WITHOUT_EDNS
from smartdns.wire.edns import BARE_OPT

_QUESTION_AT: Final = HEADER_LENGTH - 2
_ADDITIONAL_AT: Final = _QUESTION_AT - 2
_PLAIN_COUNTS: Final = b"\0\1\0\0\0\0\0\0"
_COUNTS_WITH_OPT: Final = b"\0\1\0\0\0\0\0\1"
_NONE: Final = b"\0\0"
_ONE: Final = b"\0\1"
_OPT_BEGINS: Final = b"\0" + OPT.to_bytes(2)
_OPT_ENDS: Final = bytes(6)
"""No high response code, version 0, no flags, no options (RFC 6891 section 6.1)."""
_BARE_SIZE: Final = len(BARE_OPT[False])
_LONGEST: Final = PAYLOAD_SIZE_WITHOUT_EDNS - 2
"""Octets after the ID that fit in a reply to every form, whatever payload size a query states."""


class Form(NamedTuple):
    """How a question was asked."""

    plain: bytes
    """The same query in its plain form."""
    question: bytes
    """As the client wrote it, with its case."""
    has_opt: bool

    @property
    def has_own_case(self) -> bool:
        """Whether the name has a capital letter."""
        return not self.plain.endswith(self.question)

    def __repr__(self) -> str:
        """Show nothing of what was asked."""
        return "Form"


_new: Final = tuple.__new__
"""As in `wire.edns`."""


def form_of(query: bytes) -> Form | None:
    """Give the form of a query; None: it is not one question with at most a bare OPT record.

    The name is not checked here. The memo keeps a plain form only of a query that was well-formed,
    and a query that differs from it only in case is well-formed, too.
    """
    end = query.find(b"\0", _QUESTION_AT) + 5  # after type and class
    counts, rest = query[2:_QUESTION_AT], query[end:]
    if counts == _COUNTS_WITH_OPT:
        if len(rest) != _BARE_SIZE or rest[:3] != _OPT_BEGINS or rest[5:] != _OPT_ENDS:
            return None
    elif counts != _PLAIN_COUNTS or end != len(query):
        return None
    question = query[_QUESTION_AT:end]
    # Type and class must stay as they are: their octets can be those of letters.
    plain = b"".join((query[:2], _PLAIN_COUNTS, question[:-4].lower(), question[-4:]))
    return _new(Form, (plain, question, counts == _COUNTS_WITH_OPT))


def in_form(form: Form, plain_reply: bytes, opt: bytes) -> bytes:
    """Give the reply to a query in `form`; `plain_reply` is the reply to its plain form.

    `opt` is our OPT record, which only a query with an OPT record gets.
    """
    head, records = plain_reply[:_ADDITIONAL_AT], plain_reply[_end(form) :]
    if form.has_opt:
        return b"".join((head, _ONE, form.question, records, opt))
    return b"".join((head, _NONE, form.question, records))


def in_plain_form(form: Form, reply: bytes, opt: bytes) -> bytes | None:
    """Give the reply to the plain query; `reply` is the one to the query in `form`.

    The only additional record of `reply` is `opt`, and only if the query had an OPT record. None:
    the reply would be too long for some form.
    """
    end = len(reply) - len(opt) if form.has_opt else len(reply)
    if end + len(opt) > _LONGEST:
        return None
    question = form.plain[_QUESTION_AT:]
    return b"".join((reply[:_ADDITIONAL_AT], _NONE, question, reply[_end(form) : end]))


def _end(form: Form) -> int:
    """Give where the question ends, which is the same in every form."""
    return _QUESTION_AT + len(form.question)
