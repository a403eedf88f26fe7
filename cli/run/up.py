"""`mediastreamer up`: everything on one machine, without any set-up."""

import contextlib
import fcntl
import os
import sys
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.run import up_settings
from cli.run.privileges import become
from cli.run.steps import Steps
from cli.run.up_settings import UpOptions, chosen_settings
from cli.state import State, state_option, without_password
from smartdns.contract.configuration import PREFIX, Configuration, SettingError
from smartdns.process.light_twisted import leave_tls_out

if TYPE_CHECKING:
    from twisted.internet.asyncioreactor import AsyncioSelectorReactor

    from cli.run.installation import Installation
    from cli.run.running import RunningRoles
    from smartdns.settings import DataPlaneSettings


REDIS_WITHIN_S = 5.0


@click.command
@state_option
@click.option(
    "--dns",
    metavar="ADDR:PORT",
    callback=up_settings.socket_address,
    help="Serve DNS here [default: 127.0.0.1:1053].",
)
@click.option(
    "--web",
    metavar="ADDR:PORT",
    callback=up_settings.socket_address,
    help="Serve the page here [default: 127.0.0.1:8053].",
)
@click.option(
    "--relay-tls",
    metavar="ADDR:PORT",
    callback=up_settings.socket_address,
    help="Relay TLS here [default: 127.0.0.1:8443].",
)
@click.option(
    "--relay-http",
    metavar="ADDR:PORT",
    callback=up_settings.socket_address,
    help="Relay HTTP here [default: 127.0.0.1:8080].",
)
@click.option(
    "--upstream",
    "upstreams",
    metavar="HOST[:PORT]",
    multiple=True,
    callback=up_settings.upstreams,
    help="Forward to this resolver; can be repeated [default: the system's].",
)
@click.option(
    "--relay-address",
    "relay_addresses",
    metavar="REGION=ADDR[,ADDR]",
    multiple=True,
    callback=up_settings.relay_addresses,
    help="Relay addresses of a region; can be repeated [default: *=127.0.0.1].",
)
@click.option(
    "--zones",
    metavar="DIR",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with more services; can be repeated.",
)
@click.option(
    "--workers", metavar="N", type=click.IntRange(min=1), help="Number of processes for each role."
)
@click.option(
    "--lan", is_flag=True,
    help="Serve the home network: DNS, page and relay on this machine's address there.",
)  # fmt: skip
def up(state: State, **options: object) -> None:
    """Run everything on this machine: Redis, registry, resolver and relay.

    It prints where to sign in and a dig command to try; then a line that begins with Ready.
    Ctrl-C or SIGTERM stops everything, SIGHUP replaces the workers without interruption.
    """
    state.prepare()
    with _only_one(state), contextlib.ExitStack() as cleanup, Steps() as steps:
        steps.say("reading the settings")
        leave_tls_out()
        installation = _prepare(state, UpOptions(**options), cleanup)  # type: ignore[arg-type]
        become(installation.data_plane.run_as)
        _run(state, installation, steps)


def _prepare(state: State, options: UpOptions, cleanup: contextlib.ExitStack) -> "Installation":
    """Check and prepare everything, so that errors appear before anything starts."""
    from cli.run import listening
    from cli.run.installation import Installation
    from registry.settings import read_settings as read_registry_settings
    from smartdns.settings import read_settings as read_data_plane_settings

    given = state.given()
    redis = None if "redis_url" in given else _own_redis(state, cleanup)
    chosen = chosen_settings(options, given)
    if redis is not None:
        chosen["redis_url"] = f"unix://{redis[1] / 'redis.sock'}"
    configuration = Configuration({**state.defaults(), **chosen})
    data_plane = read_data_plane_settings(configuration)
    registry = read_registry_settings(configuration)
    _reject_unknown(configuration)
    _require_upstream(data_plane)
    if redis is None:
        _require_redis(data_plane.redis_url)
    sockets = {
        "registry": listening.sockets_of_registry(registry),
        "resolver": listening.sockets_of_resolver(data_plane),
        "relay": listening.sockets_of_relay(data_plane),
    }
    origin = listening.check_origin(sockets["registry"])
    if origin is not None and "check_origin" not in chosen:
        chosen["check_origin"] = origin
        configuration = Configuration({**state.defaults(), **chosen})
    state.remember(chosen)
    return Installation(configuration, data_plane, registry, sockets, redis)


@contextlib.contextmanager
def _only_one(state: State) -> Iterator[None]:
    """Make sure that only one `up` runs on the state folder."""
    descriptor = os.open(state.folder / "lock", os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise click.ClickException(
                f"another `mediastreamer up` runs on {state.folder}: "
                "stop it, or choose another folder with --state DIR"
            ) from None
        yield


def _own_redis(state: State, cleanup: contextlib.ExitStack) -> tuple[str, Path]:
    from cli.run import embedded_redis

    server = embedded_redis.find_server()
    if server is None:
        raise click.ClickException(
            f"no Redis was found: install redis-server or valkey-server, or set {PREFIX}REDIS_URL"
        )
    return server, cleanup.enter_context(embedded_redis.socket_folder(state.folder))


def _require_redis(url: str) -> None:
    from cli import probes
    from registry.publishing.redis_server import is_reachable

    if not probes.eventually(lambda: is_reachable(url), REDIS_WITHIN_S):
        raise click.ClickException(
            f"Redis at {without_password(url)} does not answer, or refused the login: "
            f"start it, or correct {PREFIX}REDIS_URL"
        )


def _reject_unknown(configuration: Configuration) -> None:
    for name in configuration.unknown():
        raise SettingError(f"{PREFIX}{name.upper()}: there is no such setting")


def _require_upstream(settings: "DataPlaneSettings") -> None:
    if not settings.upstreams:
        raise click.ClickException(
            "no upstream resolver was found: /etc/resolv.conf has none; "
            "give one with --upstream ADDRESS"
        )
    ours = {(where.address, where.port) for where in settings.dns_listen}
    for upstream in settings.upstreams:
        if (upstream.address, upstream.port) in ours:
            raise click.ClickException(
                f"the upstream {upstream} is this resolver itself: give another with --upstream"
            )


def _run(state: State, installation: "Installation", steps: Steps) -> None:
    steps.say("loading the program")
    from cli import control_client
    from cli.run import running, starting
    from zones.load import catalog_of

    catalog = catalog_of(installation.registry.zones)
    unknown = set(installation.data_plane.relay_addresses) - set(catalog.regions) - {"*"}
    if unknown:
        raise SettingError(
            f"{PREFIX}RELAY_ADDRESSES: there is no region {', '.join(sorted(unknown))}; "
            f"there are {', '.join(sorted(catalog.regions))}"
        )

    def start(reactor: "AsyncioSelectorReactor") -> "tuple[RunningRoles, Awaitable[None]]":
        roles = running.RunningRoles(reactor, installation.data_plane.redis_url)
        return roles, starting.start_all(roles, state, installation, steps)

    sys.exit(running.run(state, control_client.NAME, start))
