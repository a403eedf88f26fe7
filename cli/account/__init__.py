"""`mediastreamer account`: add, change, list and remove accounts."""

import click

from cli.account.changes import add, delete, password, resume, set_, suspend
from cli.account.importing import import_
from cli.account.reports import export, invite, list_, show, token


@click.group()
def account() -> None:
    """Add, change, list and remove accounts."""


for _command in (
    *(add, delete, password, resume, set_, suspend),
    *(export, invite, list_, show, token),
    import_,
):
    account.add_command(_command)
