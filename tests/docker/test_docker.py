"""What docker/ has is well formed; building the image itself is `docker/try_image`."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers.missing import require_program

pytestmark = pytest.mark.processes

DOCKER = Path(__file__).parents[2] / "docker"
PROGRAMS = Path(sys.executable).parent
UNITS = sorted((DOCKER / "systemd").glob("*.service"))


def test_the_dockerfile_is_clean() -> None:
    """Hadolint has nothing to say."""
    said = subprocess.run(
        [PROGRAMS / "hadolint", DOCKER / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stdout


def test_the_compose_file_fits_its_schema() -> None:
    """The Compose specification's own schema."""
    checking = [PROGRAMS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec"]
    said = subprocess.run(
        [*checking, DOCKER / "compose.yaml"], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stdout


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_is_understood_and_exposes_little(unit: Path, tmp_path: Path) -> None:
    """`systemd-analyze verify` finds no fault, and `security` little exposure."""
    analyze = require_program("systemd-analyze", "systemd")
    text = unit.read_text()
    # What an installation has and this machine has not.
    text = text.replace("/opt/mediastreamer/bin/mediastreamer", str(PROGRAMS / "mediastreamer"))
    text = text.replace("User=mediastreamer", "User=root")
    (tmp_path / unit.name).write_text(text)
    verified = subprocess.run(
        [analyze, "verify", tmp_path / unit.name], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    secured = subprocess.run(
        [analyze, "security", "--offline=yes", "--threshold=25", unit],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert secured.returncode == 0, secured.stdout.splitlines()[-1]


def test_there_is_a_unit_for_each_role() -> None:
    """Registry, resolver and relay."""
    assert [unit.stem for unit in UNITS] == [
        "mediastreamer-registry",
        "mediastreamer-relay",
        "mediastreamer-resolver",
    ]
