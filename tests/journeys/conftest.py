"""One installation for all journeys that leave it as they found it."""

from collections.abc import Iterator

import pytest

from tests.peers.installation import Installation
from tests.peers.missing import require_program
from tests.peers.name_server import NameServer


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """What a module's own installation is set to."""
    return {}


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory,
    name_server_of_the_session: NameServer,
    settings: dict[str, str],
) -> Iterator[Installation]:
    """It runs, with the owner's account."""
    require_program("dig", "bind9-dnsutils")
    upstream = f"127.0.0.1:{name_server_of_the_session.port}"
    installation = Installation(tmp_path_factory.mktemp("shared"), upstream)
    installation.start(**settings)
    yield installation
    installation.stop()
