"""`mediastreamer`, the command for operators; each sub-command is imported when it is called.

So the processes of the data plane do not load the registry's libraries, and a worker starts fast.
Exit status: 0 success, 1 a finding or a failure, 2 wrong use.
"""

import sys
from pathlib import PurePath
from types import TracebackType
from typing import NoReturn

import click

from cli.errors import is_for_people
from cli.lazy_group import LazyGroup, Table

COMMANDS: Table = {
    "up": ("cli.run.up", "up", "Run everything on this machine, without any set-up."),
    "registry": (
        "cli.run.roles", "registry", "Run the registry: pages, update endpoints, publishing.",
    ),
    "resolver": ("cli.run.roles", "resolver", "Run the resolver: DNS for registered addresses."),
    "relay": ("cli.run.roles", "relay", "Run the relay: TLS and HTTP of streaming services."),
    "account": ("cli.account", "account", "Add, change, list and remove accounts."),
    "address": ("cli.address", "address", "Register and remove addresses by hand."),
    "allowlist": ("cli.allowlist", "allowlist", "Show, check and rebuild the allowlist in Redis."),
    "zones": ("cli.zones", "zones", "Check, list, explain and import streaming services."),
    "database": ("cli.database", "database", "Upgrade, back up and restore the database."),
    "status": ("cli.status", "status", "Show what runs, and whether it is ready."),
    "doctor": ("cli.doctor", "doctor", "Find faults and say how to correct them."),
    "privacy": ("cli.privacy", "privacy", "Prove that nothing about use is stored."),
    "worker": ("cli.run.worker", "worker", ""),  # a supervisor starts it
}  # fmt: skip


def _say_version(context: click.Context, _: click.Parameter, asked: bool) -> None:  # noqa: FBT001
    if asked and not context.resilient_parsing:
        from importlib.metadata import version

        from smartdns.build import build

        click.echo(f"mediastreamer {version('mediastreamer')} {build()}")
        context.exit()


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version", is_flag=True, callback=_say_version, expose_value=False, is_eager=True,
    help="Show the version, and whether this is the compiled build or the plain one.",
)  # fmt: skip
def mediastreamer() -> None:
    """MediaStreamer Smart DNS.

    `mediastreamer up` starts everything and says where to sign in. Completion for your shell:
    eval "$(_MEDIASTREAMER_COMPLETE=bash_source mediastreamer)"
    """


def main() -> None:
    """Run the command line; an error is one line on standard error."""
    try:
        mediastreamer.main(prog_name="mediastreamer")
    except Exception as error:  # noqa: BLE001  # a traceback could show data
        if is_for_people(error):
            _stop(str(error))
        _stop(
            f"an internal error: {type(error).__name__} at {_line_of(error.__traceback__)}; "
            "please report this line"
        )


def _stop(line: str) -> NoReturn:
    click.echo(f"Error: {line}", err=True)
    sys.exit(1)


def _line_of(traceback: TracebackType | None) -> str:
    """Give the innermost frame as file:line, without its values."""
    if traceback is None:
        return "an unknown line"
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    file = PurePath(traceback.tb_frame.f_code.co_filename)
    return f"{file.parent.name}/{file.name}:{traceback.tb_lineno}"


if __name__ == "__main__":
    main()
