"""Starting everything for `up`, waiting until it answers, and printing how to use it."""

import functools
import sys
from typing import TYPE_CHECKING

import click
from twisted.internet.defer import CancelledError, FirstError, gatherResults
from twisted.internet.threads import deferToThread

from cli import probes
from cli.run import embedded_redis
from cli.run.installation import OWNER, SIGN_IN, Installation
from cli.run.running import RunningRoles
from cli.run.steps import Steps
from cli.state import State, settings_of

if TYPE_CHECKING:
    from collections.abc import Callable

READY_WITHIN_S = 120.0
ANSWERS_WITHIN_S = 30.0


async def start_all(
    roles: RunningRoles, state: State, installation: Installation, steps: Steps
) -> None:
    """Start Redis and the roles; ClickException or StartError says what did not start."""
    sign_in, has_started = _sign_in(state), False
    if installation.redis is not None:
        roles.redis = embedded_redis.start(*installation.redis, roles.reactor)
    told = {
        role: {"settings": settings_of(role, installation.configuration)}
        for role in installation.sockets
    }
    # Only at the start: an account that was deleted since does not come back.
    at_start = {**told["registry"], "owner": str(state.folder)}
    for role, sockets in installation.sockets.items():
        if role == "registry":
            roles.add(role, sockets, lambda: told["registry"] if has_started else at_start)
        else:
            roles.add(role, sockets, functools.partial(told.__getitem__, role))
    _say_who_is_awaited(roles, steps)
    ready = gatherResults([each.when_ready() for each in roles.roles.values()], consumeErrors=True)
    try:
        await ready.addTimeout(READY_WITHIN_S, roles.reactor)
    except (TimeoutError, FirstError) as error:
        if isinstance(error, FirstError) and not error.subFailure.check(CancelledError):
            error.subFailure.raiseException()
        raise click.ClickException(_not_ready(roles)) from None
    has_started = True
    steps.say("asking each of them for an answer")
    silent = await deferToThread(_silent, installation)
    if silent:
        raise click.ClickException(f"started, but there is no answer from {', '.join(silent)}")
    steps.clear()
    _welcome(installation, state, is_new=_sign_in(state) != sign_in)


def _say_who_is_awaited(roles: RunningRoles, steps: Steps) -> None:
    """Say it now, and again as each role becomes ready."""
    awaited = list(roles.roles)

    def say() -> None:
        if awaited:
            steps.say(f"starting {', '.join(awaited)}")

    def ready(role: str) -> None:
        awaited.remove(role)
        say()

    for role, each in roles.roles.items():
        each.when_ready().addCallbacks(lambda _, role=role: ready(role), lambda _: None)
    say()


def _not_ready(roles: RunningRoles) -> str:
    late = [role for role, each in roles.status()["roles"].items() if not each["ready"]]
    return (
        f"not ready after {READY_WITHIN_S:.0f} seconds: {', '.join(late)}; "
        "`mediastreamer doctor` looks for the cause"
    )


def _silent(installation: Installation) -> list[str]:
    """Ask every listening address as users do; give those that do not answer."""
    dns, web = installation.data_plane, installation.registry
    host = web.public_url.partition("://")[2]
    tls = web.web_certificate is not None
    asked: dict[str, Callable[[], bool]] = {}
    for where in dns.dns_listen:
        asked[f"DNS over UDP at {where}"] = lambda where=where: probes.dns_answers(where)  # type: ignore[misc]
        asked[f"DNS over TCP at {where}"] = lambda where=where: probes.dns_answers(where, tcp=True)  # type: ignore[misc]
    for where in (*dns.relay_tls_listen, *dns.relay_http_listen):
        asked[f"the relay at {where}"] = lambda where=where: probes.accepts(where)  # type: ignore[misc]
    for where in web.web_listen:
        asked[f"the page at {where}"] = lambda where=where: probes.page_answers(
            where, host, tls=tls
        )  # type: ignore[misc]
    return [name for name, probe in asked.items() if not probes.eventually(probe, ANSWERS_WITHIN_S)]


def _sign_in(state: State) -> str | None:
    try:
        return (state.folder / SIGN_IN).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _welcome(installation: Installation, state: State, *, is_new: bool) -> None:
    dns = installation.data_plane.dns_listen[0]
    if (sign_in := _sign_in(state)) is None:
        password = "the one you chose"  # noqa: S105
    elif is_new and sys.stdout.isatty():
        password = sign_in.split()[1]
    else:
        password = f"in {state.folder / SIGN_IN}"
    port = "" if dns.port == 53 else f" -p {dns.port}"
    lines = (
        f"Sign in    {installation.registry.public_url}",
        f"           e-mail {OWNER}, password {password}",
        '           and press "Register my IP address"',
        f"Then try   dig @{dns.address}{port} www.netflix.com",
        f"Ready      DNS on {dns}; Ctrl-C stops everything",
    )
    for line in lines:
        click.echo(line)
