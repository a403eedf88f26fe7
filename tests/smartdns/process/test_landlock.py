"""Landlock: after it nothing can be written, and everything else goes on."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers.missing import missing

pytestmark = pytest.mark.processes

_ATTEMPT = """
import os, pathlib, socket, sys, threading
from smartdns.process.landlock import forbid_writing
folder = pathlib.Path(sys.argv[1])
if not forbid_writing():
    sys.exit(77)
attempts = {
    "create": lambda: (folder / "new").write_text("x"),
    "write": lambda: (folder / "old").write_text("x"),
    "append": lambda: (folder / "old").open("a"),
    "truncate": lambda: os.truncate(folder / "old", 0),
    "rename": lambda: (folder / "old").rename(folder / "renamed"),
    "remove": lambda: (folder / "old").unlink(),
    "folder": lambda: (folder / "inside").mkdir(),
    "link": lambda: (folder / "link").symlink_to("old"),
    "elsewhere": lambda: open("/dev/shm/leak", "w"),
    "unnamed": lambda: os.open(folder, os.O_TMPFILE | os.O_RDWR),
}
done = []
def attempt():
    for name, deed in attempts.items():
        try:
            deed()
        except OSError:
            continue
        done.append(name)
attempt()
thread = threading.Thread(target=attempt)
thread.start()
thread.join()
assert (folder / "old").read_text() == "content"
ends = socket.socketpair()
ends[0].send(b"x")
print(" ".join(done))
"""


def test_nothing_can_be_written_any_more_by_any_way_or_thread(tmp_path: Path) -> None:
    """Creating, writing, truncating, renaming and removing all fail; reading and sockets work."""
    (tmp_path / "old").write_text("content")
    ran = subprocess.run(
        [sys.executable, "-c", _ATTEMPT, str(tmp_path)], capture_output=True, text=True, check=False
    )
    if ran.returncode == 77:
        missing("this kernel has no Landlock")
    assert ran.stderr == ""
    assert ran.stdout.split() == []
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
