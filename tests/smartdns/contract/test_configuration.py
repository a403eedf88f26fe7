"""Settings as texts: a TOML file, then the environment, then files that hold secrets."""

from collections.abc import Callable
from pathlib import Path

import pytest

from smartdns.contract.configuration import (
    Configuration,
    SettingError,
    load_configuration,
    parse_count,
    parse_switch,
    parse_table,
    parse_words,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration file with a value of each kind."""
    path = tmp_path / "mediastreamer.toml"
    path.write_text(
        'client_rate = 500\ncheck_names = true\nupstreams = ["9.9.9.9", "1.1.1.1"]\n'
        '[relay_addresses]\nus = ["192.0.2.1", "192.0.2.2"]\ngb = "192.0.2.3"\n'
    )
    return path


def test_each_kind_of_toml_value_becomes_the_text_of_a_variable(file: Path) -> None:
    """So a setting has one form, wherever it was written."""
    assert load_configuration({}, file).texts == {
        "client_rate": "500",
        "check_names": "1",
        "upstreams": "9.9.9.9 1.1.1.1",
        "relay_addresses": "us=192.0.2.1,192.0.2.2 gb=192.0.2.3",
    }


def test_the_environment_wins_and_names_the_file(file: Path) -> None:
    """MEDIASTREAMER_CONFIG is no setting itself, and other variables are none of ours."""
    variables = {
        "MEDIASTREAMER_CONFIG": str(file), "MEDIASTREAMER_CLIENT_RATE": "7", "HOME": "/root",
    }  # fmt: skip
    found = load_configuration(variables)
    assert found.texts["client_rate"] == "7"
    assert found.texts["check_names"] == "1"
    assert set(found.texts) == {"client_rate", "check_names", "upstreams", "relay_addresses"}


def test_a_secret_comes_from_a_file_of_its_own(tmp_path: Path) -> None:
    """Without the end of its line."""
    secret = tmp_path / "secret"
    secret.write_text("abc\n")
    found = load_configuration({"MEDIASTREAMER_SECRET_KEY_FILE": str(secret)})
    assert found.texts == {"secret_key": "abc"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"client_rate = ", "Invalid value"),
        (b"\xff", "cannot be read"),
        (b"since = 2026-01-01", "since: takes a text, a number, a list or a table"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    """And why."""
    path = tmp_path / "wrong.toml"
    path.write_bytes(content)
    with pytest.raises(SettingError, match=said) as refused:
        load_configuration({}, path)
    assert "wrong.toml" in str(refused.value)


def test_a_secret_that_cannot_be_read_names_its_variable() -> None:
    """A wrong path is a mistake of the operator's, said in one line."""
    with pytest.raises(SettingError, match=r"MEDIASTREAMER_KEY_FILE: .*FileNotFoundError"):
        load_configuration({"MEDIASTREAMER_KEY_FILE": "/no/such/file"})


def test_a_wrong_value_is_named_by_its_variable() -> None:
    """What the parser says, behind the setting's name."""
    with pytest.raises(SettingError, match="MEDIASTREAMER_WORKERS: takes a whole number"):
        Configuration({"workers": "many"}).get("workers", parse_count, 1)


def test_what_is_missing_or_empty_has_its_default() -> None:
    """An empty variable is how a unit file takes a setting back."""
    given = Configuration({"workers": ""})
    assert given.get("workers", parse_count, 3) == 3
    assert given.get("client_rate", parse_count, 4) == 4


def test_what_nobody_read_is_unknown() -> None:
    """Misspelt, as a rule; the start names it."""
    given = Configuration({"workers": "2", "worker": "2"})
    given.get("workers", parse_count, 1)
    assert given.unknown() == ["worker"]


@pytest.mark.parametrize(("text", "on"), [("1", True), ("Yes", True), ("OFF", False), ("0", False)])
def test_a_switch_is_one_of_eight_words(text: str, on: bool) -> None:
    """In any case."""
    assert parse_switch(text) is on


@pytest.mark.parametrize(
    ("parse", "text"),
    [(parse_switch, "2"), (parse_count, "-1"), (parse_count, "²"), (parse_table, "us"),
     (parse_table, "us="), (parse_table, "=192.0.2.1")],
)  # fmt: skip
def test_what_cannot_be_parsed_is_told_what_it_takes(
    parse: Callable[[str], object], text: str
) -> None:
    """Not what was wrong with it: that is seen."""
    with pytest.raises(ValueError, match="takes"):
        parse(text)


def test_lists_and_tables_are_words() -> None:
    """A key that comes twice has the values of both."""
    assert parse_words("a, b  c") == ("a", "b", "c")
    assert parse_table("us=1,2 gb=3 us=4") == {"us": ("1", "2", "4"), "gb": ("3",)}
