"""`docs/privacy.md`: the tests that it names are there, and it says what has to be said."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATEMENT = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_HELD = re.compile(
    r".*?(?:\[`tests/[\w/]+\.py::\w+`(?:, `tests/[\w/]+\.py::\w+`)*\]"
    r"|\*\(a limit\)\*|\*\(the operator's part\)\*)"
)
"""From the beginning of what is said to the tests that hold it, or its mark."""
_OUTLINE = (  # RFC 8932 section 6.1
    "Treatment of IP addresses",
    "Data collection and sharing",
    "Exceptions",
    "Associated entities",
    "Correlation",
    "Result filtering",
    "Deviations from policy",
    "Client-facing capabilities",
    "Upstream capabilities",
    "Support and data processing",
)


def names_of_tests(file: Path) -> set[str]:
    """Give the names of a file's tests."""
    return {
        node.name
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    }


def missing_tests(statement: str) -> list[str]:
    """Give the tests that a statement names and that are not there."""
    named: list[tuple[str, str]] = _NAMED.findall(statement)
    return [
        f"{file}::{name}"
        for file, name in named
        if not (ROOT / file).is_file() or name not in names_of_tests(ROOT / file)
    ]


def test_every_test_that_is_named_exists() -> None:
    """No sentence is held by a test that was renamed or removed."""
    assert missing_tests(STATEMENT) == []
    assert len(_NAMED.findall(STATEMENT)) == STATEMENT.count("`tests/"), "each is read"
    assert STATEMENT.count("`tests/") > 70


def unheld(statement: str) -> list[str]:
    """Give what is said from the policy on, up to its limits, and has neither test nor mark."""
    promised = statement.partition("## 1. Policy")[2].partition("## What is not promised")[0]
    blocks = re.split(r"\n(?=\* )|\n\s*\n", promised)
    said = [" ".join(block.split()) for block in blocks if not block.strip().startswith("#")]
    pieces = (piece.strip() for text in said for piece in _HELD.split(text))
    return [piece for piece in pieces if piece]


def test_every_sentence_is_held() -> None:
    """Each bullet ends with the tests that hold it; what is no promise is marked as such."""
    assert unheld(STATEMENT) == []
    assert (
        len(re.findall(r"^\* ", STATEMENT.partition("## What is not promised")[0], re.MULTILINE))
        > 50
    )
    assert STATEMENT.count("*(a limit)*") + STATEMENT.count("*(the operator's part)*") == 4, (
        "two where they are explained, and no more than two sentences"
    )


@pytest.mark.parametrize(
    "added",
    [
        "* We never sell.\n",
        "We never sell.\n",
        "| never | sold |\n",
        "* Held. [`tests/test_documents.py::test_paths_that_are_named_exist`] And never sold.\n",
        "* Never sold. [by our honour]\n",
    ],
)
def test_a_sentence_that_nothing_holds_is_found_out(added: str) -> None:
    """The check above can fail, for a bullet, a paragraph, a row and what follows a bracket."""
    heading = "## What is not promised"
    (found,) = unheld(STATEMENT.replace(heading, f"{added}\n{heading}"))
    assert "sold" in found or "sell" in found


@pytest.mark.parametrize(
    "name", ["tests/privacy/test_statement.py::test_of_nothing", "tests/no/file.py::test_it"]
)
def test_a_test_that_is_not_there_is_found_out(name: str) -> None:
    """The check above can fail, for a wrong name and for a wrong file."""
    assert missing_tests(f"A promise. [`{name}`]") == [name]


def test_the_outline_is_that_of_rfc_8932() -> None:
    """Every heading of the RFC's statement is there, in its order."""
    headings = re.findall(r"^### [\d.]+ (.+)$", STATEMENT, re.MULTILINE)
    assert tuple(headings) == _OUTLINE


def test_both_exceptions_and_every_limit_are_said() -> None:
    """The two registrations without a proof are named, and what nobody can promise."""
    policy, _, limits = STATEMENT.partition("## What is not promised")
    assert "**First exception:**" in policy
    assert "**Second exception:**" in policy
    for word in ("kernel", "hypervisor", "upstream", "Networks", "write-ahead log", "VACUUM",
                 "replicas", "memory", "Root"):  # fmt: skip
        assert word in limits
