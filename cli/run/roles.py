"""`mediastreamer registry`, `resolver` and `relay`: each runs one role in the foreground."""

import sys
from typing import TYPE_CHECKING

import click

from cli.run import listening
from cli.run.listening import SetsOfSockets
from cli.run.privileges import become
from cli.state import State, settings_of, state_option
from smartdns.contract.configuration import SettingError
from smartdns.process.light_twisted import leave_tls_out
from smartdns.process.sockets import inherited

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from twisted.internet.asyncioreactor import AsyncioSelectorReactor

    from cli.run.running import RunningRoles


@click.command
@state_option
def resolver(state: State) -> None:
    """Run the resolver: DNS for registered addresses.

    SIGHUP replaces the workers one after the other; no query is lost. If systemd passes sockets
    with the names udp, tcp and tls, they replace MEDIASTREAMER_DNS_LISTEN.
    """
    given = inherited()  # must come before the import of Twisted, which removes them
    from smartdns.settings import read_settings

    settings = read_settings(state.configuration())
    if not settings.upstreams:
        raise SettingError(
            "MEDIASTREAMER_UPSTREAMS: there is no upstream resolver, "
            "also not in /etc/resolv.conf; give ADDRESS[:PORT]"
        )
    sockets = listening.activated(
        "resolver", given, settings.workers
    ) or listening.sockets_of_resolver(settings)
    become(settings.run_as)
    _run(state, "resolver", sockets, "cookie_secret")


@click.command
@state_option
def relay(state: State) -> None:
    """Run the relay: TLS and HTTP of streaming services.

    SIGHUP replaces the workers. If systemd passes sockets with the names relay-tls and
    relay-http, they replace those of the settings.
    """
    given = inherited()
    from smartdns.settings import read_settings

    settings = read_settings(state.configuration())
    sockets = listening.activated("relay", given, settings.workers) or listening.sockets_of_relay(
        settings
    )
    become(settings.run_as)
    _run(state, "relay", sockets, None)


@click.command
@state_option
def registry(state: State) -> None:
    """Run the registry: pages, update endpoints, publishing.

    SIGHUP replaces the worker. If systemd passes a socket with the name web, it replaces
    MEDIASTREAMER_WEB_LISTEN.
    """
    given = inherited()
    from registry.settings import read_settings

    settings = read_settings(state.configuration())
    sockets = listening.activated("registry", given, 1) or listening.sockets_of_registry(settings)
    _run(state, "registry", sockets, "secret_key")


def _run(
    state: State,
    role: str,
    sockets: SetsOfSockets,
    secret: str | None,
) -> None:
    leave_tls_out()
    from cli import control_client
    from cli.run import running
    from smartdns.telemetry.gate import say

    state.make_folder()
    if secret is not None and secret not in state.configuration().texts:
        state.prepare(secret)

    def start(reactor: "AsyncioSelectorReactor") -> "tuple[RunningRoles, Awaitable[None]]":
        redis_url = state.configuration().texts["redis_url"]
        roles = running.RunningRoles(reactor, redis_url)
        supervisor = roles.add(
            role, sockets, lambda: {"settings": settings_of(role, state.configuration())}
        )
        ready = supervisor.when_ready()
        ready.addCallback(lambda _: say(f"Ready: {role}"))
        return roles, ready

    sys.exit(running.run(state, f"{control_client.NAME}-{role}", start))
