"""`mediastreamer worker template`: what workers are forked from, and what becomes of a fork.

Its supervisor passes a worker its settings first, and its sockets later.
"""

import importlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING, Any, Protocol

import click

from cli.state import State
from smartdns.contract.configuration import Configuration
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
@click.argument("_what", metavar="template", type=click.Choice(["template"]))
def worker(_what: str) -> None:
    """Run what workers are forked from; only a supervisor calls this."""
    # The terminal sends Ctrl-C to every process; the supervisor stops its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    inheritance = by_name(inherited())  # must come before the import of Twisted
    if "control" not in inheritance:
        raise click.UsageError("workers are started by `mediastreamer resolver` and the like")
    (channel,) = inheritance["control"]
    from smartdns.process.template import fork_when_asked
    from smartdns.process.worker_channel import say_pid
    from smartdns.telemetry.gate import close_gate

    close_gate()
    _limit_process()
    if (forked := fork_when_asked(channel, _load_shared)) is not None:
        _limit_process()  # what a fork does not take over
        say_pid(forked[1])
        run_worker(*forked)


def run_worker(role: str, control: socket) -> None:
    """Be a worker, from its settings to its end."""
    from smartdns.process.event_loop import install_reactor
    from smartdns.process.landlock import forbid_writing
    from smartdns.process.worker_channel import receive_beginning, say_failed

    beginning = receive_beginning(control)
    try:
        if (owner := beginning.pop("owner", None)) is not None:
            _upgrade(State(Path(owner)), beginning["settings"])
        reactor = install_reactor()
        service = _make(role, **beginning)
        if role in DATA_PLANE:
            forbid_writing()  # all files have been read; threads and sockets come later
    except Exception as error:  # noqa: BLE001  # the supervisor shows it to the operator
        say_failed(control, _line(error))
        sys.exit(1)
    _run(service, control, reactor)


def _limit_process() -> None:
    from smartdns.process.process_limits import (
        die_with_parent,
        forbid_core_dumps,
        forbid_swapping,
        use_all_descriptors,
    )

    die_with_parent()
    forbid_core_dumps()
    forbid_swapping()
    use_all_descriptors()


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


DATA_PLANE = {"resolver", "relay"}
_SHARED = ("smartdns.allowlist.redis_feed", "zones.load")
"""What the registry has in common with the others."""
_SERVICES = {
    "resolver": ("smartdns.roles.resolver_role", "resolver_service", "smartdns.settings"),
    "relay": ("smartdns.roles.relay_role", "relay_service", "smartdns.settings"),
    "registry": ("registry.service", "registry_service", "registry.settings"),
}


def _load_shared(role: str) -> None:
    """Load what is in memory once for all workers.

    Nothing of the registry: it imports that itself, so the data plane never has its libraries.
    """
    for module in _SHARED:
        importlib.import_module(module)
    importlib.import_module("zones.load").built_in_catalog()
    if role in DATA_PLANE:
        _import(role)


def _import(role: str) -> tuple[Callable[..., RoleService], Callable[[Configuration], Any]]:
    """Import the role's composition root; give it, and what reads its settings."""
    module, make, settings = _SERVICES[role]
    read = importlib.import_module(settings).read_settings
    return getattr(importlib.import_module(module), make), read


def _make(role: str, settings: Mapping[str, str], **more: int) -> RoleService:
    make, read = _import(role)
    return make(read(Configuration(settings)), **more)


def _upgrade(state: State, settings: Mapping[str, str]) -> None:
    """Upgrade the database of an `up` and add its first account, in a process of its own.

    That writes a file, as the registry itself never does.
    """
    from cli.run.apart import run_apart

    _, read = _import("registry")

    def deed() -> None:
        from cli.run.first_account import upgrade_and_add_owner

        upgrade_and_add_owner(state, read(Configuration(settings)))

    run_apart("upgrade", deed, _line)
