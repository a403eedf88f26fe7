"""Which build runs, and that no compiled module runs in place of another source."""

from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from smartdns.build import DIGESTS, LIBRARY, StaleBuildError, build, digest_of, refuse_stale

SOURCES = ("smartdns/one.py", "zones/two.py")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two sources that were compiled, and what was made of them."""
    lines = []
    for each in SOURCES:
        source = tmp_path / each
        source.parent.mkdir()
        source.write_text(f"# {each}\n")
        lines.append(f"{digest_of(source)}  {each}\n")
    (tmp_path / DIGESTS).write_text("".join(lines))
    library(tmp_path).touch()
    return tmp_path


def library(root: Path) -> Path:
    """Give what the compiled modules of this Python lead to."""
    return root / f"{LIBRARY}{EXTENSION_SUFFIXES[0]}"


def test_a_build_that_is_as_its_sources_say_runs(root: Path) -> None:
    """And is called what it is."""
    refuse_stale(root)
    assert build(root) == "compiled"


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_that_changed_is_refused_by_its_name(root: Path, source: str) -> None:
    """Whatever its time says; and what to do about it."""
    with (root / source).open("a") as file:
        file.write("x = 1\n")
    with pytest.raises(StaleBuildError, match=f"{source} .* `make install COMPILED=1`"):
        refuse_stale(root)


@pytest.mark.parametrize("gone", [*SOURCES, DIGESTS])
def test_what_cannot_be_compared_is_refused(root: Path, gone: str) -> None:
    """A source that was taken away, or the digests themselves."""
    (root / gone).unlink()
    with pytest.raises(StaleBuildError, match=gone):
        refuse_stale(root)


def test_without_a_library_for_this_python_it_is_the_plain_build(root: Path) -> None:
    """Another Python's modules are not loaded, so they need not be right."""
    library(root).rename(root / f"{LIBRARY}.cpython-309-x86_64-linux-gnu.so")
    (root / SOURCES[0]).write_text("# another\n")
    refuse_stale(root)
    assert build(root) == "plain"
