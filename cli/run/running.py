"""What a foreground command runs: supervised roles, perhaps a Redis, and the control socket."""

import functools
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import click
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.defer import Deferred, DeferredList, ensureDeferred

from cli.errors import is_for_people
from cli.run import control
from cli.run.listening import SetsOfSockets, is_spread
from cli.state import State, without_password
from smartdns.process.child_process import Place
from smartdns.process.template import Template
from smartdns.process.workers import StartError, Supervisor
from smartdns.settings import metrics_address
from smartdns.telemetry.gate import place_of, say

TEMPLATE = [sys.executable, "-P", "-m", "cli.main", "worker", "template"]
"""Without -P Python would look for modules in the operator's current folder first."""
_SPREAD = "a household may meet any worker: see WORKERS in docs/operations.md"


@dataclass
class RunningRoles:
    """The roles that this process supervises."""

    reactor: AsyncioSelectorReactor
    redis_url: str
    redis: Place | None = None
    roles: dict[str, Supervisor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make what workers are forked from; nothing starts yet."""
        self._template = Template(TEMPLATE, self.reactor)

    def add(
        self, role: str, sockets: SetsOfSockets, beginning: Callable[[], Mapping[str, object]]
    ) -> Supervisor:
        """Start a role on its sockets; `beginning` gives what a worker that starts now is told."""
        spread = role == "resolver" and is_spread(sockets)
        more = {"workers_met": len(sockets)} if spread else {}
        supervisor = Supervisor(
            functools.partial(self._template.fork, role),
            sockets,
            lambda: {**beginning(), **more},
            self.reactor,
            keeps_standby=role != "registry",
        )
        self.roles[role] = supervisor
        supervisor.startService()
        return supervisor

    def status(self) -> dict[str, Any]:
        """Give the content of `status --json`."""
        roles = {role: _status_of(supervisor) for role, supervisor in self.roles.items()}
        if self.redis is not None:
            roles["redis"] = self._status_of_redis(self.redis)
        return {"ready": all(role["ready"] for role in roles.values()), "roles": roles}

    def _status_of_redis(self, place: Place) -> dict[str, Any]:
        alive = place.child is not None and not place.child.ended
        return {
            "ready": alive,
            "pids": [place.child.pid] if alive and place.child else [],
            "listen": [without_password(self.redis_url)],
        }

    def answer(self, question: Mapping[str, Any]) -> object:
        """Answer a question from the control socket."""
        if question["what"] == "status":
            return self.status()
        return ensureDeferred(self._ask_workers(question))

    async def _ask_workers(self, question: Mapping[str, Any]) -> dict[str, list[Any]]:
        return {role: await each.ask(question) for role, each in self.roles.items()}

    async def metrics(self) -> bytes:
        """Give the content of the metrics endpoint."""
        from smartdns.telemetry.metrics import render_metrics

        return render_metrics(await self._ask_workers({"what": "metrics"}))

    def replace_all(self) -> None:
        """Replace every worker of every role, without a gap, by one of the program as it is now."""
        self._template.renew()
        for supervisor in self.roles.values():
            supervisor.replace_all()

    def stop(self) -> Deferred[object]:
        """Stop all roles at the same time, then Redis, which they use until they end."""
        stopped = DeferredList([each.stopService() for each in self.roles.values()])
        stopped.addCallback(lambda _: self._template.close())
        return stopped.addCallback(lambda _: None if self.redis is None else self.redis.close())


def _status_of(supervisor: Supervisor) -> dict[str, Any]:
    """Merge the reports of the workers: a role has the state of its slowest worker."""
    reports = supervisor.reports()
    merged: dict[str, Any] = {
        "ready": supervisor.ready,
        "pids": [worker.pid for worker in supervisor.workers if worker.pid is not None],
        "standby": [supervisor.standby.pid] if supervisor.standby else [],
        "listen": list(dict.fromkeys(
            each.url() for sockets in supervisor.sets_of_sockets for each in sockets
        )),
    }  # fmt: skip
    heads = [(r["epoch"], r["position"]) for r in reports if r.get("epoch") is not None]
    if heads:
        merged["epoch"], merged["position"] = min(heads)
    if any("loaded" in report for report in reports):
        merged["loaded"] = all(report.get("loaded") for report in reports)
    trouble = {line for report in reports for line in report.get("trouble", ())}
    if is_spread(supervisor.sets_of_sockets):
        trouble.add(_SPREAD)
    if trouble:
        merged["trouble"] = sorted(trouble)
    return merged


def run(
    state: State,
    control_name: str,
    start: Callable[[AsyncioSelectorReactor], tuple[RunningRoles, Awaitable[None]]],
) -> int:
    """Run the reactor until a signal; give the exit status.

    `start` starts everything; its awaitable ends when all of it is ready. If it fails, the reason
    is printed in one line and the status is 1.
    """
    from smartdns.process.event_loop import install_reactor, stop_on
    from smartdns.process.process_limits import (
        forbid_core_dumps,
        use_all_descriptors,
    )
    from smartdns.telemetry.gate import close_gate

    reactor = install_reactor()
    close_gate()
    forbid_core_dumps()
    use_all_descriptors()
    status = 0

    async def begin() -> None:
        running, ready = start(reactor)
        stop_on(reactor, signal.SIGTERM, signal.SIGINT)
        reactor.addSystemEventTrigger("before", "shutdown", running.stop)
        if (where := metrics_address(state.configuration())) is not None:
            from smartdns.telemetry.metrics_http import serve_metrics

            serve_metrics(reactor, where, lambda: ensureDeferred(running.metrics()))
        control.serve(state.folder, control_name, running.answer, reactor)
        signal.signal(signal.SIGHUP, lambda *_: reactor.callFromThread(running.replace_all))
        await ready

    def failed(failure: Any) -> None:  # noqa: ANN401
        nonlocal status
        status = 1
        say(f"Error: {_line(failure.value)}")
        if reactor.running:
            reactor.stop()

    reactor.callWhenRunning(lambda: ensureDeferred(begin()).addErrback(failed))
    reactor.run()
    (state.folder / control_name).unlink(missing_ok=True)
    return status


def _line(error: Exception) -> str:
    if isinstance(error, (StartError, click.ClickException)) or is_for_people(error):
        return str(error)
    return f"an internal error: {type(error).__name__} at {place_of(error.__traceback__)}"
