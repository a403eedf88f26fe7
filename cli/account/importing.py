"""`mediastreamer account import`: many accounts from one table."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.progress import progress
from cli.registry_access import open_registry
from cli.state import State, json_option, state_option

if TYPE_CHECKING:
    from registry.actions.accounts.importing import TableRefused


MOST_FAULTS_SHOWN = 20


@click.command("import")
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True)
)
@state_option
@click.option("--yes", is_flag=True, help="Accept networks wider than /24 (IPv6: /48).")
@json_option
def import_(state: State, file: Path, *, yes: bool, as_json: bool) -> None:
    """Import FILE: CSV with the header email,address,region; the last two can be empty.

    The whole table is checked first, then stored in one transaction. Repeating it is harmless.
    """
    from registry.actions.accounts.importing import TableRefused, import_accounts, read_table

    with open_registry(state) as registry:
        try:
            with click.open_file(str(file), encoding="utf-8-sig") as lines:
                rows = read_table(
                    lines, catalog=registry.catalog, parse=registry.network, insisting=yes
                )
        except TableRefused as refusal:
            _show_faults(refusal)
            raise
        with (
            progress(len(rows), "Importing") as bar,
            registry.sessions.begin() as session,
        ):
            imported = import_accounts(session, rows, bar.update)
    report = {
        "rows": len(rows),
        "accounts_added": imported.accounts,
        "networks_added": imported.networks,
    }
    if as_json:
        click.echo(json.dumps(report, indent=2))
        return
    click.echo(
        f"{len(rows)} rows: {imported.accounts} accounts and {imported.networks} networks added."
    )


def _show_faults(refusal: "TableRefused") -> None:
    for number, text in list(refusal.faults.items())[:MOST_FAULTS_SHOWN]:
        click.echo(f"line {number}: {text}", err=True)
    if (more := len(refusal.faults) - MOST_FAULTS_SHOWN) > 0:
        click.echo(f"and {more} more lines", err=True)
