"""Asking the processes of a state folder through their control sockets.

`status`, `doctor`, `privacy audit` and `zones explain --from` use it. The question is one JSON
line, `{"ask": n, "question": {"what": "status"}}`, and the answer is another one.
"""

import contextlib
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAME = "control"
"""Name of the socket in the state folder; a role that runs alone appends its own name."""
_TIMEOUT_S = 10.0


def ask(folder: Path, question: Mapping[str, object]) -> list[Any]:
    """Ask everything that runs on this state folder; [] if nothing runs."""
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
    """Change to the folder: a socket's path has at most 108 octets, a folder's may have more."""
    return contextlib.chdir(folder)
