"""What another user of the machine can read: files, and the environments of workers."""

import os
import stat

from tests.peers.waiting import wait_until
from tests.registry.web.conftest import StartServer


def test_no_file_of_the_registry_is_readable_by_others(start_registry: StartServer) -> None:
    """Database, its log and the lock files are for the owner, whatever the umask is."""
    umask = os.umask(0)
    try:
        server = start_registry()
    finally:
        os.umask(umask)
    lock = server.directory / "registry.sqlite.publishing-lock"
    wait_until(lock.exists)
    ours = [file for file in server.directory.iterdir() if file.name.startswith("registry.")]
    assert len(ours) >= 3
    assert {stat.S_IMODE(file.stat().st_mode) & 0o077 for file in ours} == {0}


def test_an_environment_holds_the_secrets_of_its_role_only() -> None:
    """See `tests/cli/test_state.py` for every secret; here by the names that were found."""
    from cli.state import settings_of
    from smartdns.contract.configuration import Configuration

    secrets = ("cookie_secret", "secret_key", "database_url", "mail_url", "relay_exits", "dns_key")
    configuration = Configuration({name: name for name in secrets})
    held = {
        role: set(settings_of(role, configuration).values())
        for role in ("resolver", "relay", "registry")
    }
    assert held == {
        "resolver": {"cookie_secret", "dns_key"},
        "relay": {"relay_exits"},
        "registry": {"secret_key", "database_url", "mail_url"},
    }
