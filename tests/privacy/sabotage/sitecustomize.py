"""A build that leaks: the file `leak` in SABOTAGE_FOLDER says how, and may be written anew.

Python imports this by its name where PYTHONPATH has its folder.

Only in the resolver's workers, and with the sandbox off: these are the leaks that somebody would
have to build in for the audit to find.
"""

import os
import sys
from pathlib import Path
from typing import Any


def _sabotage(choice: Path) -> None:
    from leaks import LEAKS  # type: ignore[import-not-found]

    import smartdns.process.landlock
    from smartdns.resolver.responder import Responder

    respond = Responder.respond
    smartdns.process.landlock.forbid_writing = lambda: True

    def leaking(self: Responder, data: bytes, source: Any, *rest: Any) -> Any:
        if choice.exists():
            LEAKS[choice.read_text()](data, source.address)
        return respond(self, data, source, *rest)

    Responder.respond = leaking  # type: ignore[method-assign]


if "SABOTAGE_FOLDER" in os.environ and sys.orig_argv[-2:] == ["worker", "template"]:
    import smartdns.process.title

    set_title = smartdns.process.title.set_title

    def naming(role: str) -> None:
        """Sabotage a resolver as it takes its name, just after it was forked."""
        set_title(role)
        if role == "resolver":
            _sabotage(Path(os.environ["SABOTAGE_FOLDER"]) / "leak")

    smartdns.process.title.set_title = naming
