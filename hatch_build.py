"""The compiled build: the data plane's hot modules through mypyc, from the same source.

hatchling loads this for every wheel, and compiles where `COMPILED` is set in the environment. For
an editable install the Makefile calls it:

    python hatch_build.py compile    put the compiled modules beside their sources
    python hatch_build.py remove     take them away: plain Python runs

What is compiled, and what is not and why, is in `pyproject.toml`.
"""

import hashlib
import os
import shutil
import sys
import sysconfig
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT: Final = Path(__file__).parent
SUFFIX: Final = str(sysconfig.get_config_var("EXT_SUFFIX"))
GROUP: Final = "smartdns.data_plane"
"""Of what mypyc puts into one library; the other modules only lead to it."""
LIBRARY: Final = f"smartdns/data_plane__mypyc{SUFFIX}"
DIGESTS: Final = "smartdns/compiled.sha256"
"""Of every source that was compiled; `smartdns.build` refuses to run others."""
_NEEDED: Final = (
    "the compiled build needs a C compiler and Python's headers (Debian: apt-get install gcc "
    "libc6-dev python3-dev); without COMPILED=1 everything runs as plain Python"
)


class CompiledHook(BuildHookInterface[Any]):
    """Called by hatchling."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile for a wheel if that is asked for; an editable install runs what is in place."""
        if version == "editable" or not os.environ.get("COMPILED"):
            return
        made = compile_in_place(self.config)
        build_data.update(pure_python=False, infer_tag=True)
        build_data["artifacts"] += made


def compile_in_place(config: Mapping[str, Any]) -> list[str]:
    """Compile what `config` names; gives the files that were made, relative to `ROOT`.

    The digests come first and the library last: what was interrupted is stale, or does not run.
    """
    _require_compiler()
    sources = sources_in(config)
    digests = "".join(f"{_digest(each)}  {each}\n" for each in sources)
    with tempfile.TemporaryDirectory() as folder:
        _run_mypyc(sources, Path(folder))
        remove()
        built = Path(folder) / "lib"
        made = sorted(str(each.relative_to(built)) for each in built.rglob(f"*{SUFFIX}"))
        made.sort(key=LIBRARY.__eq__)
        (ROOT / DIGESTS).write_text(digests, encoding="ascii")
        for each in made:
            shutil.copy(built / each, ROOT / each)
    return [DIGESTS, *made]


def remove() -> None:
    """Take away all that was compiled, for any Python; the digests last."""
    for package in ("smartdns", "zones"):
        for each in (ROOT / package).rglob("*.so"):
            each.unlink()
    (ROOT / DIGESTS).unlink(missing_ok=True)


def sources_in(config: Mapping[str, Any]) -> list[str]:
    """Give the sources to compile, relative to `ROOT`: all that match, but for the plain ones."""
    plain = config["plain"]
    missing = [each for each in plain if not (ROOT / each).exists()]
    if missing:
        sys.exit(f"pyproject.toml says why these are not compiled, but they are not: {missing}")
    found = {str(path.relative_to(ROOT)) for each in config["compiled"] for path in ROOT.glob(each)}
    return sorted(each for each in found if each not in plain and not each.endswith("__init__.py"))


def _run_mypyc(sources: Sequence[str], folder: Path) -> None:
    from mypyc.build import mypycify
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext

    os.chdir(ROOT)  # mypy finds modules from here, and mypyc names them so
    options = ["--config-file", "pyproject.toml", "--cache-dir", ".mypy_cache/compiled"]
    extensions = mypycify(
        [*options, *sources],
        target_dir=str(folder / "c"),
        opt_level="2",
        debug_level="0",
        group_name=GROUP,
    )
    command = build_ext(Distribution({"ext_modules": extensions}))
    command.build_lib, command.build_temp = str(folder / "lib"), str(folder / "o")
    command.parallel = os.cpu_count() or 1
    command.ensure_finalized()
    command.run()


def _require_compiler() -> None:
    compiler = os.environ.get("CC") or str(sysconfig.get_config_var("CC"))
    headers = Path(sysconfig.get_path("include")) / "Python.h"
    if shutil.which(compiler.split()[0]) is None or not headers.exists():
        sys.exit(f"mediastreamer: {_NEEDED}")


def _digest(source: str) -> str:
    return hashlib.sha256((ROOT / source).read_bytes()).hexdigest()


def _config() -> Mapping[str, Any]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    config: Mapping[str, Any] = project["tool"]["hatch"]["build"]["hooks"]["custom"]
    return config


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["compile"]:
            compile_in_place(_config())
        case ["remove"]:
            remove()
        case _:
            sys.exit(__doc__)
