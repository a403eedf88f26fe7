"""Parameters of requests: which texts are refused, and how numbers are read."""

from collections.abc import Iterator

from flask import abort, request

LONGEST_TEXT = 2048
"""Characters of one parameter; the longest of ours is a password, of 1,024."""
MOST_DIGITS = 9
"""More do not fit into a number of the database."""


def refuse_unreadable() -> None:
    """Answer 400 if a parameter has control characters or is longer than any of ours.

    Called before every page. All our fields have one line: no browser sends a CR, LF or NUL in
    them. Mail headers, databases and cookies each fail at another one of these.
    """
    if not all(map(_is_readable, _texts())):
        abort(400)


def whole_number(field: str) -> int | None:
    """Give the number in a form's field, or None: not a number, or larger than any of ours."""
    text = request.form.get(field, "")
    is_number = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
    return int(text) if is_number else None


def _texts() -> Iterator[str]:
    yield request.path
    for parameters in (request.args, request.form):
        for name, value in parameters.items(multi=True):
            yield name
            yield value
    yield from request.files
    yield from map(str, (request.view_args or {}).values())


def _is_readable(text: str) -> bool:
    return len(text) <= LONGEST_TEXT and not any(_is_control(character) for character in text)


def _is_control(character: str) -> bool:
    """Say whether it is of C0 or C1, or DEL, or half of a surrogate pair."""
    number = ord(character)
    return number < 0x20 or 0x7F <= number < 0xA0 or 0xD800 <= number < 0xE000
