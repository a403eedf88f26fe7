"""`mediastreamer worker ROLE`: one process of a role, started by a supervisor with its sockets."""

import sys
from collections.abc import Callable, Mapping
from socket import socket
from typing import Any, Protocol

import click

from smartdns.contract.configuration import Configuration, load_configuration
from smartdns.sockets import by_name, inherited

Sockets = dict[str, list[socket]]


class RoleService(Protocol):
    """What a role's composition root makes: a Twisted service that can say how it is."""

    def startService(self) -> None:
        """Begin; the reactor runs."""

    def stopService(self) -> object:
        """Answer what is in flight and end."""

    def report(self) -> dict[str, Any]:
        """Say how far it is, "ready" above all."""


@click.command(hidden=True)
@click.argument("role", type=click.Choice(["resolver", "relay", "registry"]))
def worker(role: str) -> None:
    """Run one worker; not for use by hand."""
    sockets = by_name(inherited())  # before anything imports Twisted
    if "control" not in sockets:
        raise click.UsageError(f"workers are started by `mediastreamer {role}`")
    (control,) = sockets.pop("control")
    _prepare_process()
    try:
        service = _SERVICES[role](load_configuration(), sockets)
    except Exception as error:  # noqa: BLE001  # told to the supervisor, which tells the operator
        from smartdns.worker_channel import say_failed

        say_failed(control, _line(error))
        sys.exit(1)
    _run(service, control)


def _prepare_process() -> None:
    from smartdns.event_loop import install_reactor
    from smartdns.process_limits import (
        die_with_parent,
        forbid_core_dumps,
        leave_the_keyboard_to_the_parent,
        use_all_descriptors,
    )
    from smartdns.telemetry.gate import close_gate

    die_with_parent()
    leave_the_keyboard_to_the_parent()
    forbid_core_dumps()
    use_all_descriptors()
    install_reactor()
    close_gate()


def _run(service: RoleService, control: socket) -> None:
    from twisted.internet import reactor

    from smartdns.worker_channel import WorkerEnd

    def begin() -> None:
        service.startService()
        WorkerEnd(
            control,
            report=service.report,
            answer=lambda question: _answer(service, question),
            orphaned=stop_once,
            reactor=reactor,
        )

    def stop_once() -> None:
        if reactor.running:
            reactor.stop()

    reactor.callWhenRunning(begin)
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    reactor.run()


def _answer(service: RoleService, question: Mapping[str, Any]) -> object:
    explain = getattr(service, "explain", None)
    return None if explain is None else explain(question)


def _line(error: Exception) -> str:
    """Errors that are meant for people have their own words; others show their kind only."""
    from cli.errors import is_for_people

    return str(error) if is_for_people(error) else f"a fault of the program: {type(error).__name__}"


# Each imports its plane only: no worker of the data plane ever loads the registry's libraries.


def _resolver(configuration: Configuration, sockets: Sockets) -> RoleService:
    from smartdns.service import resolver_service
    from smartdns.settings import read_settings

    return resolver_service(read_settings(configuration), sockets)


def _relay(configuration: Configuration, sockets: Sockets) -> RoleService:
    from smartdns.service import relay_service
    from smartdns.settings import read_settings

    return relay_service(read_settings(configuration), sockets)


def _registry(configuration: Configuration, sockets: Sockets) -> RoleService:
    from registry.service import registry_service
    from registry.settings import read_settings

    return registry_service(read_settings(configuration), sockets)


_SERVICES: Mapping[str, Callable[[Configuration, Sockets], RoleService]] = {
    "resolver": _resolver,
    "relay": _relay,
    "registry": _registry,
}
