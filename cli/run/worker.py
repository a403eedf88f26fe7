"""`mediastreamer worker ROLE`: one process of a role; its supervisor passes it sockets later."""

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
    """What the composition root of a role makes: a Twisted service that reports its state."""

    def startService(self) -> None:
        """Start everything that needs no socket; the reactor is running."""

    def open(self, sockets: SocketsByName) -> None:
        """Serve these sockets from now on."""

    def stopService(self) -> object:
        """Finish what is in progress, then end."""

    def report(self) -> dict[str, Any]:
        """Give the state of the worker; "ready" is one of the keys."""


@click.command(hidden=True)
@click.argument("role", type=click.Choice(["resolver", "relay", "registry"]))
@click.option("--workers-met", type=int, help="Resolver: how many workers one household may meet.")
def worker(role: str, workers_met: int | None) -> None:
    """Run one worker; only a supervisor calls this."""
    # The terminal sends Ctrl-C to every process; the supervisor stops its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    inheritance = by_name(inherited())  # must come before the import of Twisted
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
            forbid_writing()  # all files have been read; threads and sockets come later
    except Exception as error:  # noqa: BLE001  # the supervisor shows it to the operator
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
    """Serve the sockets; if that fails, end, so that the supervisor starts another worker."""
    from twisted.logger import Logger

    try:
        service.open(by_name(sockets))
    except Exception:  # noqa: BLE001 - any error
        Logger().failure("the sockets could not be served")
        os._exit(os.EX_SOFTWARE)


def _answer(service: RoleService, question: Mapping[str, Any]) -> object:
    if question["what"] == "explain" and hasattr(service, "explain"):
        return service.explain(question)
    if question["what"] == "metrics" and hasattr(service, "metrics"):
        return service.metrics()
    return None  # the registry has no mirror and no metrics


def _line(error: Exception) -> str:
    """Give the text of an error that is for people; of any other error only its kind."""
    from cli.errors import is_for_people

    return str(error) if is_for_people(error) else f"an internal error: {type(error).__name__}"


_DATA_PLANE = {"resolver", "relay"}
# A worker imports only its own plane, so the data plane never loads the registry's libraries.
_SERVICES = {
    "resolver": ("smartdns.roles.resolver_role", "resolver_service", "smartdns.settings"),
    "relay": ("smartdns.roles.relay_role", "relay_service", "smartdns.settings"),
    "registry": ("registry.service", "registry_service", "registry.settings"),
}


def _load(role: str) -> tuple[Callable[..., RoleService], Any]:
    """Import the role's composition root, which takes a second, and read its settings."""
    module, make, settings = _SERVICES[role]
    read = importlib.import_module(settings).read_settings(load_configuration())
    return getattr(importlib.import_module(module), make), read
