"""Where in a TOML text a key or a value stands."""

import tomllib

import pytest

from zones.toml_lines import TomlLines

TEXT = """# suffixes = ["a.example"]
title = "One"
suffixes = [
    "a.example",  # "b.example" comes later
    "b#.example", 'c.example',
]
"names" = ["a.example", "a.example"]
"""


@pytest.mark.parametrize(
    ("key", "value", "nth", "line"),
    [
        ("suffixes", "a.example", 1, 4),
        ("suffixes", "b.example", 1, 3),
        ("suffixes", "b#.example", 1, 5),
        ("suffixes", "c.example", 1, 5),
        ("suffixes", "a.example", 2, 7),
        ("names", "a.example", 2, 7),
        ("title", "absent", 1, 2),
        ("absent", "absent", 1, 1),
    ],
)
def test_a_value_is_found_behind_its_key(key: str, value: str, nth: int, line: int) -> None:
    """Comments do not count, but a # in a text begins none; what is not found is at its key."""
    assert TomlLines(TEXT).of_value(key, value, nth) == line


@pytest.mark.parametrize(("text", "line"), [("a = 1\nb = \n", 2), ("a = 1\nb = [1,\n", 2)])
def test_the_line_of_a_mistake_is_taken_out_of_its_message(text: str, line: int) -> None:
    """Also where tomllib says that the document ended too early."""
    with pytest.raises(tomllib.TOMLDecodeError) as mistake:
        tomllib.loads(text)
    found, message = TomlLines(text).of_error(str(mistake.value))
    assert found == line
    assert message
    assert "line" not in message
