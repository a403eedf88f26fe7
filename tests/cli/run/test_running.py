"""What looks after the roles: whom it starts, and from where."""

import subprocess
from pathlib import Path

from cli.run.running import WORKER


def test_a_worker_is_this_product_wherever_the_operator_is(tmp_path: Path) -> None:
    """A folder with a package of the same name is passed over."""
    package = tmp_path / "cli"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "main.py").write_text("raise SystemExit('not ours')")
    told = subprocess.run(
        [*WORKER, "--help"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert "not ours" not in told.stderr
