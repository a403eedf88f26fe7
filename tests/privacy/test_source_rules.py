"""The source of the data path keeps the rules, and the rules catch who breaks them."""

from pathlib import Path

import pytest

from tests.privacy.source_rules import breaches, data_path_files

ROOT = Path(__file__).parents[2]

CONFIGURATION = {
    # Read before the first query, from what an operator wrote; the words name the setting.
    "smartdns/upstream/addresses.py",
    "smartdns/relay/egress.py",
    "smartdns/resolver/tls.py",
}


def test_no_module_of_the_data_path_can_say_what_it_handles() -> None:
    """No output, no file, no data in an exception, no value that shows itself."""
    files = data_path_files(ROOT)
    assert len(files) > 30
    found = [
        breach
        for path in files
        if (name := str(path.relative_to(ROOT))) not in CONFIGURATION
        for breach in breaches(path.read_text(), name)
    ]
    assert found == []


@pytest.mark.parametrize(
    "leak",
    [
        "print(name)",
        "open('/tmp/x', 'w')",
        "import logging",
        "from pathlib import Path",
        "import syslog",
        "os.write(2, name)",
        "sys.stderr.write(name)",
        "self._log.failure('could not resolve {name}', name=name)",
        "self._log.info(f'{name}')",
        "Logger().warn('x', failure, name)",
        "raise ValueError(f'{name} is odd')",
        "raise ValueError('odd', name)",
        "raise Odd(name=name)",
        "assert name, name",
        "@dataclass\nclass A:\n    name: bytes",
        "@dataclass(frozen=True)\nclass A:\n    question: Question | None",
        "class A(NamedTuple):\n    name: bytes",
    ],
)
def test_a_leak_breaks_a_rule(leak: str) -> None:
    """Each way of telling is found in source that does it."""
    assert list(breaches(leak, "leak.py"))


@pytest.mark.parametrize(
    "source",
    [
        "raise MalformedError",
        "raise FeedLost('Redis closed the connection') from None",
        "self._log.failure('a query could not be answered')",
        "self._log.failure('a question could not be asked', failure)",
        "@dataclass(repr=False)\nclass A:\n    name: bytes",
        "@dataclass\nclass A:\n    count: int",
    ],
)
def test_what_says_nothing_breaks_none(source: str) -> None:
    """The rules leave the house's own ways alone."""
    assert not list(breaches(source, "good.py"))
