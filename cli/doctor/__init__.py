"""`mediastreamer doctor`: finds faults and says how to correct them."""

import dataclasses
import json
import sys
from collections.abc import Iterator

import click

from cli.doctor.finding import Finding
from cli.state import State, json_option, state_option


@click.command
@state_option
@json_option
def doctor(state: State, *, as_json: bool) -> None:
    """Find faults and say how to correct them; exit status 1 if there is a serious one."""
    found = list(examine(state))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in found]))
    else:
        for each in found:
            click.echo(f"{each.name}: {each.what}\n    {each.remedy}")
        if not found:
            click.echo("Nothing is wrong.")
    sys.exit(1 if any(each.grave for each in found) else 0)


def examine(state: State) -> Iterator[Finding]:
    """Run every check; a wrong setting ends it, because the other checks need the settings."""
    from cli.doctor import catalogue, database, egress, machine, network, page, redis, settings

    read = settings.read(state)
    if isinstance(read, Finding):
        yield read
        return
    yield from settings.check(read)
    yield from machine.check(state)
    yield from catalogue.check(read)
    yield from database.check(read)
    yield from redis.check(state, read)
    yield from network.check(state, read)
    yield from egress.check(read)
    yield from page.check(read)
