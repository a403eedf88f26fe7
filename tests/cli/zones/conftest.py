"""An operator's own folder of services."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads this machine's installation."""
    monkeypatch.setenv("MEDIASTREAMER_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("MEDIASTREAMER_ZONES", raising=False)
    monkeypatch.delenv("MEDIASTREAMER_RELAY_ADDRESSES", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for services of the operator's own."""
    folder = tmp_path / "zones"
    folder.mkdir()
    return folder
