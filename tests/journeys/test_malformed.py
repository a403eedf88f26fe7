"""Thousands of malformed packets at a whole installation, as it runs in a household."""

from collections.abc import Callable, Iterator

import pytest

from tests.peers.installation import RELAY, Installation
from tests.peers.missing import require_program
from tests.peers.name_server import NameServer
from tests.smartdns.wire.trying import try_messages, try_packets


@pytest.fixture(scope="module")
def attacked(
    tmp_path_factory: pytest.TempPathFactory, name_server_of_the_session: NameServer
) -> Iterator[Installation]:
    """127.0.0.1 is let in, 127.0.0.2 is not; nobody has a limit."""
    require_program("dig", "bind9-dnsutils")
    upstream = f"127.0.0.1:{name_server_of_the_session.port}"
    installation = Installation(tmp_path_factory.mktemp("attacked"), upstream)
    installation.start(client_rate="0", refused_rate="0")
    added = installation.command("address", "add", "owner@example.com", "127.0.0.1")
    assert added.returncode == 0, added.stderr
    installation.dig_until(RELAY, "www.netflix.com")
    yield installation
    installation.stop()


@pytest.mark.parametrize("refused", [False, True], ids=["registered", "refused"])
@pytest.mark.parametrize("attempt", [try_packets, try_messages], ids=["UDP", "TCP"])
def test_no_packet_gets_a_wrong_reaction_and_the_next_query_is_answered(
    attacked: Installation, attempt: Callable[..., list[object]], refused: bool
) -> None:
    """Each of more than 3,000 is followed by a sane query; no process dies of them."""
    before = attacked.pids("resolver")
    source = "127.0.0.2" if refused else "127.0.0.1"
    assert attempt(attacked.dns, source, refused=refused) == []
    assert attacked.pids("resolver") == before
