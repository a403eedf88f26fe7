"""What looks after the roles: whom it starts, from where, and what it tells them."""

import subprocess
from pathlib import Path
from unittest import mock

import pytest

from cli.run.running import TEMPLATE, RunningRoles
from smartdns.process.sockets import NamedSocket

pytestmark = pytest.mark.processes


def test_a_worker_is_this_product_wherever_the_operator_is(tmp_path: Path) -> None:
    """A folder with a package of the same name is passed over."""
    package = tmp_path / "cli"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "main.py").write_text("raise SystemExit('not ours')")
    told = subprocess.run(
        [*TEMPLATE, "--help"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert "not ours" not in told.stderr


@pytest.mark.parametrize(
    ("role", "spread", "told"),
    [("resolver", True, 2), ("resolver", False, None), ("relay", True, None)],
)
def test_a_resolver_is_told_how_many_workers_a_household_meets(
    role: str, spread: bool, told: int | None
) -> None:
    """Where one socket is in both; each then allows its share of the rates."""
    shared = NamedSocket("udp", mock.Mock(), spread=spread)
    with mock.patch("cli.run.running.Supervisor") as supervisor:
        roles = RunningRoles(mock.Mock(), "redis://127.0.0.1")
        roles.add(role, [[shared], [shared]], lambda: {"settings": {"cache_mib": "1"}})
    beginning = supervisor.call_args.args[2]()
    assert beginning.pop("workers_met", None) == told
    assert beginning == {"settings": {"cache_mib": "1"}}
