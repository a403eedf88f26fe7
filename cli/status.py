"""`mediastreamer status`: what runs on a state folder, and whether it is ready."""

import json
import sys
from typing import Any

import click

from cli import control_client
from cli.run.privileges import become
from cli.state import State, json_option, state_option


@click.command
@state_option
@json_option
def status(state: State, *, as_json: bool) -> None:
    """Show what runs, and whether it is ready; exit status 1 unless everything is ready."""
    # Root without CAP_DAC_OVERRIDE, as in a container, cannot use the other user's socket.
    become(state.given().get("run_as"))  # this also reports a wrong setting
    found = status_of(state)
    if found is None:
        raise click.ClickException(
            f"nothing runs on {state.folder}: start it with `mediastreamer up`, "
            "or choose another folder with --state DIR"
        )
    if as_json:
        click.echo(json.dumps(found))
    else:
        for role, said in found["roles"].items():
            click.echo(_line(role, said))
    sys.exit(0 if found["ready"] else 1)


def status_of(state: State) -> dict[str, Any] | None:
    """Ask `up`, or each role that runs alone, and merge the answers; None if nothing runs."""
    answers = [each for each in control_client.ask(state.folder, {"what": "status"}) if each]
    if not answers:
        return None
    return {
        "ready": all(each["ready"] for each in answers),
        "roles": {role: said for each in answers for role, said in each["roles"].items()},
    }


def _line(role: str, said: dict[str, Any]) -> str:
    words = [f"{role:<9}", "ready    " if said["ready"] else "not ready", " ".join(said["listen"])]
    if said["pids"]:
        words.append(f"pid {' '.join(map(str, said['pids']))}")
    if "epoch" in said:
        words.append(f"allowlist {said['epoch']}.{said['position']}")
    elif said.get("loaded") is False:
        words.append("allowlist not loaded")
    words += said.get("trouble", ())
    return "  ".join(words)
