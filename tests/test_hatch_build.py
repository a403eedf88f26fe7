"""What is compiled, and what is said where nothing can be."""

import os
import subprocess
import sys
from importlib.machinery import ExtensionFileLoader
from importlib.util import find_spec
from pathlib import Path

import pytest

import hatch_build
from smartdns.build import build

CONFIG = hatch_build.read_config()
PLAIN = {"compiled": ["smartdns/wire/*.py"], "plain": {"smartdns/wire/edns.py": "as a test"}}


def test_what_is_said_to_stay_plain_is_not_compiled() -> None:
    """Nor are the files of packages, which hold nothing."""
    sources = hatch_build.sources_in(PLAIN)
    assert "smartdns/wire/names.py" in sources
    assert not {"smartdns/wire/edns.py", "smartdns/wire/__init__.py"} & set(sources)


def test_a_reason_for_a_file_that_is_gone_is_refused() -> None:
    """Else the list would tell of what is no more."""
    with pytest.raises(SystemExit, match="no_such_file"):
        hatch_build.sources_in({"compiled": [], "plain": {"smartdns/no_such_file.py": "gone"}})


def test_every_reason_is_for_a_file_that_would_be_compiled() -> None:
    """A file that no pattern names needs none."""
    named = hatch_build.sources_in({"compiled": CONFIG["compiled"], "plain": {}})
    assert set(CONFIG["plain"]) <= set(named)


def test_all_of_it_runs_as_it_was_built() -> None:
    """Each module from its compiled file, or each from its source: never some of both."""
    compiled = {
        source: isinstance(_loader_of(source), ExtensionFileLoader)
        for source in hatch_build.sources_in(CONFIG)
    }
    assert set(compiled.values()) == {build() == "compiled"}, compiled


@pytest.mark.processes
def test_without_a_compiler_one_line_says_what_to_install(tmp_path: Path) -> None:
    """And that nothing needs it; what was there stays."""
    before = build()
    said = subprocess.run(
        [sys.executable, hatch_build.__file__, "compile"],
        env={**os.environ, "CC": str(tmp_path / "cc")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 1
    assert said.stderr.count("\n") == 1
    assert "apt-get install gcc libc6-dev python3-dev" in said.stderr
    assert build() == before


def _loader_of(source: str) -> object:
    spec = find_spec(".".join(Path(source).with_suffix("").parts))
    assert spec is not None
    return spec.loader
