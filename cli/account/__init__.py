"""`mediastreamer account`: add, change, list and remove accounts."""

import click

from cli.lazy_group import LazyGroup, Table

COMMANDS: Table = {
    "add": ("cli.account.changes", "add", "Add an account."),
    "delete": (
        "cli.account.changes", "delete", "Delete an account and all that is stored about it.",
    ),
    "export": (
        "cli.account.reports", "export", "Print all that is stored about an account, as JSON.",
    ),
    "import": ("cli.account.importing", "import_", "Import many accounts from one table."),
    "invite": (
        "cli.account.reports", "invite", "Print a link with which only EMAIL can sign up.",
    ),
    "list": ("cli.account.reports", "list_", "List all accounts."),
    "password": ("cli.account.changes", "password", "Set a password, and sign out every browser."),
    "resume": ("cli.account.changes", "resume", "Undo a suspension."),
    "set": (
        "cli.account.changes", "set_", "Set the default region, regions of services, the last day.",
    ),
    "show": ("cli.account.reports", "show", "Show one account."),
    "suspend": ("cli.account.changes", "suspend", "Suspend an account; nothing is deleted."),
    "token": ("cli.account.reports", "token", "Create an update token; it is shown only once."),
}  # fmt: skip


@click.group(cls=LazyGroup, table=COMMANDS)
def account() -> None:
    """Add, change, list and remove accounts."""
