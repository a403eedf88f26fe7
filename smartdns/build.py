"""Which build this is: plain Python, or with the hot modules compiled by `hatch_build.py`.

Python prefers a compiled module to its source, so one that was compiled from another source would
run without anybody noticing. The digests of the sources are kept beside the library, and every
process compares them before it runs anything of it: 50 files, a thousandth of a second.
"""

from hashlib import sha256
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Final, Literal

ROOT: Final = Path(__file__).parents[1]
LIBRARY: Final = "smartdns/data_plane__mypyc"
"""What every compiled module leads to; its suffix says for which Python it is."""
DIGESTS: Final = "smartdns/compiled.sha256"
"""For each source that was compiled its SHA-256, two blanks, and its path from the root."""


class StaleBuildError(ImportError):
    """Compiled modules are not what their sources say."""


def build(root: Path = ROOT) -> Literal["compiled", "plain"]:
    """Say which build `root` has for this Python."""
    library = root / f"{LIBRARY}{EXTENSION_SUFFIXES[0]}"
    return "compiled" if library.exists() else "plain"


def refuse_stale(root: Path = ROOT) -> None:
    """Raise StaleBuildError where a source is not the one that was compiled."""
    if build(root) == "plain":
        return
    try:
        lines = (root / DIGESTS).read_text(encoding="ascii").splitlines()
        stale = [path for digest, path in map(str.split, lines) if digest_of(root / path) != digest]
    except FileNotFoundError as error:
        stale = [str(Path(error.filename).relative_to(root))]
    if stale:
        raise StaleBuildError(
            f"{stale[0]} is not what was compiled: compile again with `make install COMPILED=1`, "
            "or run plain Python with `make install`"
        )


def digest_of(source: Path) -> str:
    """Give the SHA-256 of a file."""
    return sha256(source.read_bytes()).hexdigest()
