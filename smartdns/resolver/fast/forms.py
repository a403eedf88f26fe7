"""Forms in which the same is asked: with or without an OPT record, in whatever case.

Stub resolvers of one household ask the same question in several forms. What they get differs in the
question's case and in the OPT record, and in nothing else. So the memo keeps what the *plain* form
gets: no OPT, lower case; and a query in another form is answered by changing that.

Queries and replies here begin after the ID, as the memo has them.
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
"""What fits after an ID in every form, whatever payload size is named."""


class Form(NamedTuple):
    """How a question was asked."""

    plain: bytes
    """The same query in its plain form."""
    question: bytes
    """As it was asked, with its case."""
    has_opt: bool

    @property
    def has_own_case(self) -> bool:
        """Whether a letter of the name is a capital."""
        return not self.plain.endswith(self.question)

    def __repr__(self) -> str:
        """Show nothing of what was asked."""
        return "Form"


_new: Final = tuple.__new__
"""As in `wire.edns`."""


def form_of(query: bytes) -> Form | None:
    """Give the form of a query; None: it is not one question with at most a bare OPT record.

    The name is not read. Whatever `query` is, its plain form was remembered only if it was a query
    that could be read, and what differs from that one in nothing but case can be read, too.
    """
    end = query.find(b"\0", _QUESTION_AT) + 5  # behind type and class
    counts, rest = query[2:_QUESTION_AT], query[end:]
    if counts == _COUNTS_WITH_OPT:
        if len(rest) != _BARE_SIZE or rest[:3] != _OPT_BEGINS or rest[5:] != _OPT_ENDS:
            return None
    elif counts != _PLAIN_COUNTS or end != len(query):
        return None
    question = query[_QUESTION_AT:end]
    # Type and class stay as they are: some of their octets are letters.
    plain = b"".join((query[:2], _PLAIN_COUNTS, question[:-4].lower(), question[-4:]))
    return _new(Form, (plain, question, counts == _COUNTS_WITH_OPT))


def in_form(form: Form, plain_reply: bytes, opt: bytes) -> bytes:
    """Give the reply to a query in `form`, where the plain one gets `plain_reply`.

    `opt` is our OPT record for those that had one.
    """
    head, records = plain_reply[:_ADDITIONAL_AT], plain_reply[_end(form) :]
    if form.has_opt:
        return b"".join((head, _ONE, form.question, records, opt))
    return b"".join((head, _NONE, form.question, records))


def in_plain_form(form: Form, reply: bytes, opt: bytes) -> bytes | None:
    """Give what the plain query gets, where `reply` answers the one in `form`.

    `reply` has no additional record but `opt`, where the query had one. None: it would not fit in
    every form.
    """
    end = len(reply) - len(opt) if form.has_opt else len(reply)
    if end + len(opt) > _LONGEST:
        return None
    question = form.plain[_QUESTION_AT:]
    return b"".join((reply[:_ADDITIONAL_AT], _NONE, question, reply[_end(form) : end]))


def _end(form: Form) -> int:
    """Give where the question ends, which is the same in every form."""
    return _QUESTION_AT + len(form.question)
