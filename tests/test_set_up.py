"""`make run` on a machine that lacks something: one clear line, before anything is made."""

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[1]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What `make install` needs of a clone, and no environment yet."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    return tmp_path


def install(clone: Path, python: str) -> str:
    """Run `make install` with another Python; give what it says besides make's own line."""
    said = subprocess.run(
        ["make", "install", f"PYTHON={python}"],
        cwd=clone, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode != 0
    assert not (clone / ".venv").exists()
    lines = [line for line in said.stderr.splitlines() if not line.startswith("make")]
    assert len(lines) == 1, said.stderr
    return lines[0]


def python_that(folder: Path, *, is_new: bool, has_venv: bool) -> str:
    """Make a program that answers as a Python in such a state would."""
    program = folder / "python-of-the-test"
    program.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *version_info*) exit {0 if is_new else 1};;\n'
        f"*venv*) exit {0 if has_venv else 1};;\n"
        '-V) echo "Python 3.9.2";; esac\n'
    )
    program.chmod(0o755)
    return str(program)


def test_no_python_at_all(clone: Path) -> None:
    """Which package to install, and how to name another one."""
    line = install(clone, "python-that-is-not-here")
    assert "apt-get install python3 python3-venv" in line
    assert "PYTHON=" in line


def test_python_too_old(clone: Path) -> None:
    """Which one it is, and which one it takes."""
    line = install(clone, python_that(clone, is_new=False, has_venv=True))
    assert "Python 3.9.2 is too old: Python 3.11 or newer is needed" in line


def test_venv_missing(clone: Path) -> None:
    """Debian has it in a package of its own."""
    line = install(clone, python_that(clone, is_new=True, has_venv=False))
    assert "apt-get install python3-venv" in line


def bytecode_of(source: Path) -> Path:
    """Say where Python looks for what a source was compiled to."""
    return Path(importlib.util.cache_from_source(str(source)))


def test_our_sources_are_compiled_and_compared_by_their_time(clone: Path) -> None:
    """Also where Python may not write byte code itself; an edited source is compiled again."""
    source = clone / "zones" / "names.py"
    source.parent.mkdir()
    source.write_text("")
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (clone / ".venv" / ".run").touch()
    subprocess.run(
        ["make", "-s", "-o", ".venv/.run", ".venv/.bytecode"],
        cwd=clone, check=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    compiled = bytecode_of(source).read_bytes()
    assert compiled[4:8] == bytes(4), "PEP 552: no bit is set, so the time and the size follow"
    assert int.from_bytes(compiled[8:12], "little") == int(source.stat().st_mtime)


@pytest.mark.parametrize("library", ["twisted", "sqlalchemy", "flask", "redis", "click"])
def test_libraries_are_compiled_when_they_are_installed(library: str) -> None:
    """A start compiles nothing of them: this environment was made by `make`."""
    folder = Path(sysconfig.get_path("purelib")) / library
    sources = [each for each in folder.rglob("*.py") if "test" not in each.parts]
    assert sources
    assert [each for each in sources if not bytecode_of(each).exists()] == []


def test_the_locks_name_no_registry() -> None:
    """Hashes only: where packages come from is the machine's own business."""
    for lock in ("boot.txt", "run.txt", "dev.txt", "compile.txt"):
        text = (ROOT / "requirements" / lock).read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "--index" not in text
