"""`mediastreamer zones`: show, check and extend the catalogue of streaming services."""

import click

from cli.zones.catalogue import check, list_services
from cli.zones.explain import explain
from cli.zones.importing import import_list


@click.group()
def zones() -> None:
    """Check, list, explain and import streaming services."""


for _command in (check, list_services, explain, import_list):
    zones.add_command(_command)
