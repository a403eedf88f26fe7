"""Compile the data plane's hot modules with mypyc, from the source that otherwise runs as it is.

hatchling loads this for every wheel, and compiles where `COMPILED` is set in the environment. For
an editable install the Makefile calls it:

    python hatch_build.py compile    put the compiled modules beside their sources
    python hatch_build.py remove     take them away: plain Python runs

What is compiled, and what is not and why, is in `pyproject.toml`. `smartdns.build` finds out at
run time what was compiled and whether it is still true.
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
LIBRARY: Final = f"smartdns/data_plane__mypyc{SUFFIX}"
"""As mypyc names it for the group; every other compiled module only leads to it."""
DIGESTS: Final = "smartdns/compiled.sha256"
_NEEDED: Final = (
    "COMPILED=1 needs a C compiler and Python's headers (Debian: apt-get install gcc libc6-dev "
    "python3-dev); without it everything runs as plain Python"
)


class CompiledHook(BuildHookInterface[Any]):
    """Called by hatchling."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile for a wheel where that is asked for; an editable install runs what is there."""
        if version != "editable" and os.environ.get("COMPILED"):
            build_data["artifacts"] += compile_in_place(self.config)
            build_data.update(pure_python=False, infer_tag=True)


def compile_in_place(config: Mapping[str, Any]) -> list[str]:
    """Compile what `config` names; gives the files that were made, relative to `ROOT`.

    The digests come first and the library last: what was interrupted does not run.
    """
    _require_compiler()
    sources = sources_in(config)
    digests = "".join(
        f"{hashlib.sha256((ROOT / each).read_bytes()).hexdigest()}  {each}\n" for each in sources
    )
    with tempfile.TemporaryDirectory() as folder:
        built = _run_mypyc(sources, Path(folder))
        made = sorted(str(each.relative_to(built)) for each in built.rglob(f"*{SUFFIX}"))
        made.sort(key=LIBRARY.__eq__)
        remove()
        (ROOT / DIGESTS).write_text(digests, encoding="ascii")
        for each in made:
            shutil.copy(built / each, ROOT / each)
    return [DIGESTS, *made]


def remove() -> None:
    """Take away everything that was compiled, for whatever Python."""
    for package in ("smartdns", "zones"):
        for each in (ROOT / package).rglob("*.so"):
            each.unlink()
    (ROOT / DIGESTS).unlink(missing_ok=True)


def sources_in(config: Mapping[str, Any]) -> list[str]:
    """Give what to compile: all that the patterns match, but for what is said to stay plain."""
    plain: Mapping[str, str] = config["plain"]
    gone = [each for each in plain if not (ROOT / each).exists()]
    if gone:
        sys.exit(f"pyproject.toml says why these are not compiled, but they are not there: {gone}")
    found = {str(path.relative_to(ROOT)) for each in config["compiled"] for path in ROOT.glob(each)}
    return sorted(each for each in found if each not in plain and not each.endswith("__init__.py"))


def read_config() -> Mapping[str, Any]:
    """Give what `pyproject.toml` has for the hook."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    config: Mapping[str, Any] = project["tool"]["hatch"]["build"]["hooks"]["custom"]
    return config


def _run_mypyc(sources: Sequence[str], folder: Path) -> Path:
    """Give the folder below which the compiled modules lie as their sources do."""
    # Only a compiled build has these; hatchling loads this file for every other one, too.
    from mypyc.build import mypycify
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext

    os.chdir(ROOT)  # modules are named by where they lie from here
    options = ["--config-file", "pyproject.toml", "--cache-dir", ".mypy_cache/compiled"]
    extensions = mypycify(
        [*options, *sources], target_dir=str(folder / "c"), group_name=GROUP,
        opt_level="2", debug_level="0",
    )  # fmt: skip
    command = build_ext(Distribution({"ext_modules": extensions}))
    command.build_lib, command.build_temp = str(folder / "lib"), str(folder / "o")
    command.parallel = os.cpu_count()
    command.ensure_finalized()
    command.run()
    return folder / "lib"


def _require_compiler() -> None:
    compiler = os.environ.get("CC") or str(sysconfig.get_config_var("CC"))
    headers = Path(sysconfig.get_path("include")) / "Python.h"
    if shutil.which(compiler.split()[0]) is None or not headers.exists():
        sys.exit(f"mediastreamer: {_NEEDED}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["compile"]:
            compile_in_place(read_config())
        case ["remove"]:
            remove()
        case _:
            sys.exit(__doc__)
