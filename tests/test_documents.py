"""What the documents say, held against what the code does."""

import dataclasses
import re
import tomllib
from pathlib import Path

from cli import main
from registry.settings import RegistrySettings
from smartdns.answering.names import name_of
from smartdns.answering.rules.local_names import _ABSENT, _EMPTY, _LOCALHOST, _PRIVATE_RELAY
from smartdns.settings import DataPlaneSettings
from tests.privacy.test_statement import missing_tests

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    *ROOT.glob("*.md"),
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


def test_the_changelog_begins_with_the_version_that_is_installed() -> None:
    """Raising it without a word about what changed fails here."""
    versions = re.findall(r"^## \[([\d.]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert versions[0] == project["version"]
    assert "license" not in project or (ROOT / "LICENSE").exists()


def test_make_help_has_every_target() -> None:
    """And plain `make` is that: it starts and installs nothing."""
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    helped = re.findall(r'^\t@echo "make ([a-z-]+) ', makefile, re.MULTILINE)
    assert sorted(helped) == sorted(set(phony.split()) - {"help"})
    (first, *_) = re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)
    assert first == "help"


def test_every_make_target_that_is_named_exists() -> None:
    """`make x` in a document is a target."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in DOCUMENTS:
        for target in re.findall(
            r"(?:`|^    )make ([a-z][a-z-]*)", document.read_text(), re.MULTILINE
        ):
            assert target in targets, f"{document.name}: {target}"
