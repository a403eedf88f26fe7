"""`mediastreamer allowlist`: the allowlist in Redis."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict

import click

from cli.progress import progress
from cli.registry_access import Registry, open_registry
from cli.state import State, json_option, state_option
from smartdns.contract.grants import Head


@click.group()
def allowlist() -> None:
    """Show, check and rebuild the allowlist in Redis."""


@contextlib.contextmanager
def _registry(state: State) -> Iterator[Registry]:
    from registry.publishing.redis_server import RedisUnavailable

    with open_registry(state) as registry:
        try:
            yield registry
        except RedisUnavailable as error:
            raise click.ClickException(str(error)) from None


@allowlist.command()
@state_option
@json_option
def status(state: State, *, as_json: bool) -> None:
    """Show what Redis has, and whether its settings are right; exit status 1 if not."""
    from registry.publishing.inspection import inspect_allowlist

    with _registry(state) as registry:
        found = inspect_allowlist(registry.engine, registry.settings.redis_url)
    if as_json:
        click.echo(json.dumps({"good": found.good, **asdict(found)}, indent=2))
    else:
        click.echo(
            f"database: {_head_text(found.database)}, {found.pending} waiting to be published"
        )
        click.echo(f"Redis:    {_head_text(found.redis)}, networks let in: {found.grants}")
        if found.redis != found.database:
            click.echo("They differ: a running registry corrects that within seconds.", err=True)
        for fault in found.faults:
            click.echo(fault, err=True)
    raise SystemExit(0 if found.good else 1)


def _head_text(head: Head | None) -> str:
    return "nothing published" if head is None else f"epoch {head.epoch}, position {head.position}"


@allowlist.command()
@state_option
@json_option
def check(state: State, *, as_json: bool) -> None:
    """Compare every network in Redis with the database; exit status 1 if any differs."""
    from registry.day import utc_today
    from registry.publishing.inspection import count_differences, count_registrations

    with _registry(state) as registry:
        count = count_registrations(registry.engine)
        with progress(count, "Comparing") as bar:
            differing, pending = count_differences(
                registry.engine, registry.settings.redis_url, utc_today(), bar.update
            )
    if as_json:
        click.echo(
            json.dumps(
                {"good": not differing, "differing": differing, "pending": pending}, indent=2
            )
        )
    elif differing:
        click.echo(f"{differing} networks differ: run `mediastreamer allowlist rebuild`.", err=True)
    else:
        click.echo(f"Redis agrees with the database; {pending} networks wait to be published.")
    raise SystemExit(1 if differing else 0)


@allowlist.command()
@state_option
@json_option
def rebuild(state: State, *, as_json: bool) -> None:
    """Publish the whole allowlist again; registered devices do not notice it."""
    from registry.day import utc_today
    from registry.publishing.inspection import count_registrations, rebuild_allowlist

    with (
        _registry(state) as registry,
        progress(count_registrations(registry.engine), "Publishing") as bar,
    ):
        head = rebuild_allowlist(
            registry.engine,
            registry.settings.redis_url,
            utc_today(),
            lambda count: bar.update(count - bar.pos),
        )
    click.echo(json.dumps(asdict(head)) if as_json else f"Published: {_head_text(head)}.")
