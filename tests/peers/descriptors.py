"""What this process has open."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def descriptors_stay(but: int = 0) -> Iterator[None]:
    """Fail unless as many descriptors are open afterwards, but for those."""
    before = _descriptors()
    yield
    after = _descriptors()
    assert len(after) == len(before) + but, set(after.items()) ^ set(before.items())


def _descriptors() -> dict[str, str]:
    """Give what this process has open; that of the folder itself has gone when it is looked at."""
    folder = Path("/proc/self/fd")
    names = [each.name for each in folder.iterdir()]
    return {name: str((folder / name).readlink()) for name in names if (folder / name).is_symlink()}
