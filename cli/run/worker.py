"""`mediastreamer worker ROLE`: one process of a role; its supervisor hands it sockets later."""

import importlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from socket import socket
from typing import TYPE_CHECKING, Any, Protocol

import click

from smartdns.contract.configuration import load_configuration
from smartdns.process.sockets import NamedSocket, by_name, inherited

if TYPE_CHECKING:
    from twisted.internet.asyncioreactor import AsyncioSelectorReactor

SocketsByName = dict[str, list[socket]]


class RoleService(Protocol):
    """What a role's composition root makes: a Twisted service that can say how it is."""

    def startService(self) -> None:
        """Begin with all that needs no socket; the reactor runs."""

    def open(self, sockets: SocketsByName) -> None:
        """Take work from these sockets at once."""

    def stopService(self) -> object:
        """Answer what is in flight and end."""

    def report(self) -> dict[str, Any]:
        """Say how far it is, "ready" above all."""


@click.command(hidden=True)
@click.argument("role", type=click.Choice(["resolver", "relay", "registry"]))
@click.option("--workers-met", type=int, help="Resolver: how many workers one household may meet.")
def worker(role: str, workers_met: int | None) -> None:
    """Run one worker; not for use by hand."""
    # Ctrl-C reaches every process of a terminal; the supervisor passes on what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    inheritance = by_name(inherited())  # before anything imports Twisted
    if "control" not in inheritance:
        raise click.UsageError(f"workers are started by `mediastreamer {role}`")
    (control,) = inheritance["control"]
    reactor = _prepare_process()
    from smartdns.process.huge_pages import gather_in_huge_pages
    from smartdns.process.landlock import forbid_writing
    from smartdns.process.worker_channel import say_failed

    try:
        make, settings = _load(role)
        service = make(settings) if workers_met is None else make(settings, workers_met=workers_met)
        if role in _DATA_PLANE:
            gather_in_huge_pages()
            forbid_writing()  # everything is imported and read; threads and sockets come later
    except Exception as error:  # noqa: BLE001  # told to the supervisor, which tells the operator
        say_failed(control, _line(error))
        sys.exit(1)
    _run(service, control, reactor)


def _prepare_process() -> "AsyncioSelectorReactor":
    from smartdns.process.event_loop import install_reactor
    from smartdns.process.process_limits import (
        die_with_parent,
        forbid_core_dumps,
        forbid_swapping,
        use_all_descriptors,
    )
    from smartdns.telemetry.gate import close_gate

    die_with_parent()
    forbid_core_dumps()
    forbid_swapping()
    use_all_descriptors()
    reactor = install_reactor()
    close_gate()
    return reactor


def _run(service: RoleService, control: socket, reactor: "AsyncioSelectorReactor") -> None:
    from smartdns.process.event_loop import stop_on
    from smartdns.process.process_limits import collect_garbage_in_small_parts
    from smartdns.process.worker_channel import WorkerEnd

    def begin() -> None:
        stop_on(reactor, signal.SIGTERM)
        service.startService()
        collect_garbage_in_small_parts()
        WorkerEnd(
            control,
            report=service.report,
            answer=lambda question: _answer(service, question),
            open_front=lambda sockets: _open(service, sockets),
            orphaned=lambda: os.kill(os.getpid(), signal.SIGTERM),
            reactor=reactor,
        )

    reactor.callWhenRunning(begin)
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    reactor.run()


def _open(service: RoleService, sockets: Sequence[NamedSocket]) -> None:
    """Whoever cannot open ends and is succeeded: it would hold a place where nobody answers."""
    from twisted.logger import Logger

    try:
        service.open(by_name(sockets))
    except Exception:  # noqa: BLE001 - whatever it is
        Logger().failure("a front could not be opened")
        os._exit(os.EX_SOFTWARE)


def _answer(service: RoleService, question: Mapping[str, Any]) -> object:
    if question["what"] == "explain" and hasattr(service, "explain"):
        return service.explain(question)
    if question["what"] == "metrics" and hasattr(service, "metrics"):
        return service.metrics()
    return None  # the registry has no mirror to look into, and counts nothing


def _line(error: Exception) -> str:
    """Errors that are meant for people have their own words; others show their kind only."""
    from cli.errors import is_for_people

    return str(error) if is_for_people(error) else f"a fault of the program: {type(error).__name__}"


_DATA_PLANE = {"resolver", "relay"}
# Only its own plane is imported: no worker of the data plane loads the registry's libraries.
_SERVICES = {
    "resolver": ("smartdns.roles.resolver_role", "resolver_service", "smartdns.settings"),
    "relay": ("smartdns.roles.relay_role", "relay_service", "smartdns.settings"),
    "registry": ("registry.service", "registry_service", "registry.settings"),
}


def _load(role: str) -> tuple[Callable[..., RoleService], Any]:
    """Import what makes the service, which takes a second, and read its settings."""
    module, make, settings = _SERVICES[role]
    read = importlib.import_module(settings).read_settings(load_configuration())
    return getattr(importlib.import_module(module), make), read
