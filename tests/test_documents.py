"""What the documents say, held against what the code does."""

import dataclasses
import re
from pathlib import Path

from cli import main
from registry.settings import RegistrySettings
from smartdns.answering.names import name_of
from smartdns.answering.rules.local_names import _ABSENT, _EMPTY, _LOCALHOST, _PRIVATE_RELAY
from smartdns.settings import DataPlaneSettings
from tests.privacy.test_statement import missing_tests

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "ARCHITECTURE.md",
    *(ROOT / "docs").rglob("*.md"),
]


def test_operations_has_a_sentence_for_every_setting_and_no_other() -> None:
    """A setting that is added or dropped without its sentence fails here."""
    text = (ROOT / "docs" / "operations.md").read_text()
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    documented = {
        name: row[-2].strip()
        for row in rows
        if len(row) == 5
        for name in re.findall(r"`([A-Z0-9_]+)`", row[1])
    }
    read = {
        field.name.upper()
        for settings in (DataPlaneSettings, RegistrySettings)
        for field in dataclasses.fields(settings)
    }
    assert set(documented) == read
    assert all(sentence.endswith((".", "?*")) for sentence in documented.values())


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link is a file of the repository."""
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_paths_that_are_named_exist() -> None:
    """A moved file takes its mention along."""
    for document in DOCUMENTS:
        for path in re.findall(
            r"`((?:smartdns|registry|cli|zones|tests|bench|docker|docs)/[\w./-]+)`",
            document.read_text(),
        ):
            assert (ROOT / path).exists(), f"{document.name}: {path}"


def test_the_architecture_is_short_enough_to_be_read() -> None:
    """Under 200 lines, or nobody does."""
    assert len((ROOT / "ARCHITECTURE.md").read_text().splitlines()) < 200


def test_the_commands_that_are_named_exist() -> None:
    """`mediastreamer X` in a document is a command."""
    for document in DOCUMENTS:
        for command in re.findall(r"`mediastreamer ([a-z]+)", document.read_text()):
            assert command in main.COMMANDS, f"{document.name}: {command}"


def test_every_test_that_the_asvs_list_names_exists() -> None:
    """No point is held by a test that was renamed or removed."""
    text = (ROOT / "docs" / "asvs.md").read_text()
    assert missing_tests(text) == []
    assert text.count("`tests/") > 30


def test_answers_lists_every_name_that_is_answered_here() -> None:
    """A name that gets another answer than the upstream's is in the document, or a reverse zone."""
    text = (ROOT / "docs" / "answers.md").read_text()
    local = text.partition("## Local names")[2].partition("## Steered names")[0]
    named = {name_of(each) for each in re.findall(r"`([a-z][a-z0-9.-]*)`", local)}
    arpa = (name_of("in-addr.arpa"), name_of("ip6.arpa"))
    special = {name for name in _EMPTY if not name.endswith(arpa)}
    assert {_LOCALHOST, *_ABSENT, *_PRIVATE_RELAY, *special} - named == set()
