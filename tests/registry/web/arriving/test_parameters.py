"""Which parameters are refused before any page sees them, and how numbers are read."""

from urllib.parse import quote

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from registry.web.arriving.parameters import refuse_unreadable, whole_number

app = Flask("any")
app.before_request(refuse_unreadable)


@app.route("/", methods=["GET", "POST"])
@app.route("/<text>", methods=["GET", "POST"])
def page(text: str = "") -> str:
    """Answer with the number that was sent."""
    del text
    return str(whole_number("number"))


@given(st.text(max_size=60))
def test_whatever_number_is_sent_nothing_fails(text: str) -> None:
    """It is read, or it is none; a control character or half a surrogate pair is refused."""
    reply = app.test_client().post("/", data={"number": text.encode("utf-8", "surrogatepass")})
    if reply.status_code == 200:
        is_number = text.isascii() and text.isdigit() and len(text) <= 9
        assert reply.text == (str(int(text)) if is_number else "None")


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("007", 7), ("9" * 9, 999_999_999), ("9" * 10, None), ("", None), ("-1", None)],
)
def test_a_number_has_nine_digits_at_most(text: str, number: int | None) -> None:
    """Databases have no larger ones, and Python refuses to read thousands of digits."""
    assert app.test_client().post("/", data={"number": text}).text == str(number)


@pytest.mark.parametrize("odd", ["\0", "\r", "\n", "\x1b", "\x7f", "\x85", "a" * 2049])
def test_control_characters_and_long_texts_are_refused_wherever_they_are(odd: str) -> None:
    """In values and names of fields and parameters, in paths, and in names of files."""
    client = app.test_client()
    assert client.post("/", data={"a": odd}).status_code == 400
    assert client.post("/", data={odd: "a"}).status_code == 400
    assert client.get("/", query_string={"a": odd}).status_code == 400
    assert client.get("/", query_string={odd: "a"}).status_code == 400
    assert client.get(f"/{quote(odd)}").status_code == 400
    assert client.post("/", data={"a": "fine"}).status_code == 200
