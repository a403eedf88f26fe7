"""`mediastreamer doctor`: what is wrong, and how to mend it."""

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
    """Look for what is wrong and say how to mend it; exit status 1 if anything was found."""
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
    """Every check, what it rests on first; a wrong setting ends it, for the rest reads them."""
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
