"""`mediastreamer up`: everything on one machine, with nothing to set up."""

import contextlib
import fcntl
import os
import sys
from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import embedded_redis, listening, probes
from cli.choices import Options, chosen_settings
from cli.listening import SetsOfSockets
from cli.privileges import become
from cli.state import State, data_plane_environment, registry_environment, state_option
from smartdns.contract.addresses import SocketAddress
from smartdns.contract.configuration import PREFIX, Configuration, SettingError
from smartdns.settings import DataPlaneSettings
from smartdns.settings import read_settings as read_data_plane_settings

if TYPE_CHECKING:
    from twisted.internet.asyncioreactor import AsyncioSelectorReactor

    from cli.running import Running
    from registry.settings import RegistrySettings

READY_WITHIN_S = 60.0


@click.command
@state_option
@click.option("--dns", metavar="ADDR:PORT", help="Serve DNS here [default: 127.0.0.1:1053].")
@click.option("--web", metavar="ADDR:PORT", help="Serve the page here [default: 127.0.0.1:8053].")
@click.option("--relay-tls", metavar="ADDR:PORT", help="[default: 127.0.0.1:8443]")
@click.option("--relay-http", metavar="ADDR:PORT", help="[default: 127.0.0.1:8080]")
@click.option(
    "--upstream", "upstreams", metavar="HOST[:PORT]", multiple=True,
    help="Forward to this resolver; may be repeated [default: the system's].",
)
@click.option(
    "--relay-address", "relay_addresses", metavar="REGION=ADDR[,ADDR]", multiple=True,
    help="What steered names resolve to; may be repeated [default: 127.0.0.1 for all].",
)
@click.option(
    "--zones", metavar="DIR", multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Services beside the built-in ones; may be repeated.",
)
@click.option("--workers", metavar="N", type=click.IntRange(min=1), help="Processes of a role.")
@click.option(
    "--lan", is_flag=True,
    help="Serve the home network: DNS, page and relay on this machine's address there.",
)  # fmt: skip
def up(state: State, **options: object) -> None:
    """Run everything on this machine: Redis, registry, resolver and relay.

    Says where to sign in and what to type into dig; then a line that starts with Ready.
    Ctrl-C or SIGTERM stops all of it, SIGHUP replaces the workers without a gap.
    """
    state.prepare()
    with _alone(state), contextlib.ExitStack() as cleanup:
        settings = chosen_settings(Options(**options), state.given())  # type: ignore[arg-type]
        plan = _plan(state, settings, cleanup)
        become(plan.data_plane.run_as)
        state.remember({k: v for k, v in plan.configuration.texts.items() if k in settings})
        from cli.first_account import make_ready

        password = make_ready(state, plan.registry)
        sys.exit(_run(state, plan, password))
