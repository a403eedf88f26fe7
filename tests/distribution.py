"""Which process of pytest-xdist gets which tests: the slow ones begin first, so none is left last.

Tests of a file stay together, since they share what a module's fixture started. Where they share
nothing and wait for most of their time each may go to another process; files that share a browser
and what it looks at go to one.
"""

from collections.abc import Sequence

import pytest
from xdist.scheduler import LoadFileScheduling

APART = frozenset({"tests/smartdns/resolver/test_silent_zone.py"})
"""Files whose tests are spread."""
TOGETHER = "in_a_browser.py"
"""How the names of files end that go to one process."""
SLOWEST = (
    "tests/smartdns/resolver/test_silent_zone.py",
    "tests/privacy/test_audit.py",
    "tests/privacy/test_system_calls.py",
    "tests/registry/web/pages/test_in_a_browser.py",
    "tests/journeys/",
    "tests/privacy/test_planted_leaks.py",
    "tests/cli/run/test_up.py",
    "tests/smartdns/process/test_workers.py",
    "tests/registry/web/",
    "tests/registry/",
    "tests/cli/",
    "tests/smartdns/resolver/",
)
"""Files and folders that take longest, the longest first; a wrong order costs time alone."""


def slowest_first(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Give the tests in the order in which they are handed out; equals stay as they are."""
    return sorted(items, key=lambda item: _rank(item.nodeid))


def _rank(nodeid: str) -> int:
    return next((n for n, path in enumerate(SLOWEST) if nodeid.startswith(path)), len(SLOWEST))


class ByFile(LoadFileScheduling):
    """Hands out file by file, in the order of collection."""

    def _split_scope(self, nodeid: str) -> str:
        """Give what is handed out together with this test."""
        path = nodeid.partition("::")[0]
        if path.endswith(TOGETHER):
            return TOGETHER
        return nodeid if path in APART else path
