import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

Report = Callable[..., Any]


def table(path: Path, *rows: tuple[str, ...]) -> str:
    """Write a CSV table with the header that is due."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("email", "address", "region"), *rows])
    return str(path)


def test_import_stores_all_and_is_repeatable(
    installed: Run, report: Report, tmp_path: Path
) -> None:
    """Accounts, networks and regions come in; a second run adds nothing."""
    file = table(
        tmp_path / "t.csv",
        ("ben@example.com", "8.8.8.8", "us"),
        ("BEN@example.com", "2a00:1450::5", ""),
        ("anna@example.com", "9.9.9.0/24", "gb"),
        ("cleo@example.com", "", ""),
    )
    first = report("account", "import", file)
    assert first == {"rows": 4, "accounts_added": 2, "networks_added": 3}
    assert report("account", "import", file) == {
        "rows": 4,
        "accounts_added": 0,
        "networks_added": 0,
    }
    held = {one["network"] for one in report("address", "list", "ben@example.com")}
    assert held == {"8.8.8.8/32", "2a00:1450::/64"}
    assert report("account", "show", "anna@example.com")["region"] == "gb"


def test_import_is_all_or_nothing(installed: Run, report: Report, tmp_path: Path) -> None:
    """Every faulty line is named with its reason, and the good ones are not stored either."""
    file = table(
        tmp_path / "t.csv",
        ("ben@example.com", "8.8.8.8", "us"),
        ("nonsense", "8.8.8.8", "us"),
        ("cleo@example.com", "8.8.8.8.8", "us"),
        ("cleo@example.com", "", "xx"),
        ("ben@example.com", "", "gb"),
        ("dora@example.com",),
    )
    said = installed("account", "import", file, status=1).stderr
    for number, says in [
        (3, "not an e-mail address"),
        (4, "not an IP address"),
        (5, "Unknown region"),
        (6, "another region"),
        (7, "must have 3 cells"),
    ]:
        assert any(
            line.startswith(f"line {number}: ") and says in line for line in said.split("\n")
        )
    assert "Nothing was stored. Lines that cannot be imported: 5." in said
    assert len(report("account", "list")) == 1


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"", "the first line must be email,address,region"),
        (b"mail,ip\n", "the first line must be"),
        (b'email,address,region\n"a@example.com\n', "not CSV"),
        (b"email,address,region\n\xff\xfe,,\n", "not UTF-8"),
        (b"\x00\x01\x02", "the first line must be"),
    ],
)
def test_what_is_no_table_is_refused(
    installed: Run, tmp_path: Path, octets: bytes, says: str
) -> None:
    """A file that is something else altogether is refused in a line."""
    file = tmp_path / "t.csv"
    file.write_bytes(octets)
    assert says in installed("account", "import", str(file), status=1).stderr
