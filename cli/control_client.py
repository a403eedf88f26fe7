"""Asking what runs on a state folder: `status`, `doctor` and `zones explain --from` do.

One JSON line asks, `{"ask": n, "question": {"what": "status"}}`, and one answers.
"""

import contextlib
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAME = "control"
"""Of the socket in the state folder; a role that runs by itself adds its own name."""
_TIMEOUT_S = 10.0


def ask(folder: Path, question: Mapping[str, object]) -> list[Any]:
    """Ask everything that runs on this state folder; [] when nothing does."""
    answers = []
    for path in sorted(folder.glob(f"{NAME}*")):
        with contextlib.suppress(OSError, ValueError):
            answers.append(_ask_one(folder, path.name, question))
    return answers


def _ask_one(folder: Path, name: str, question: Mapping[str, object]) -> Any:  # noqa: ANN401
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(_TIMEOUT_S)
        with in_folder(folder):
            asking.connect(name)
        asking.sendall(json.dumps({"ask": 1, "question": question}).encode() + b"\n")
        with asking.makefile("rb") as lines:
            return json.loads(lines.readline())["value"]


def in_folder(folder: Path) -> contextlib.chdir[Path]:
    """A path of a socket has 108 octets at most, a folder's may have more: so go there."""
    return contextlib.chdir(folder)
