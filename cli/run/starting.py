"""Starting everything for `up`, waiting until it answers, and printing how to use it."""

import sys
from collections.abc import Callable, Mapping

import click
from twisted.internet.defer import CancelledError, FirstError, gatherResults
from twisted.internet.threads import deferToThread

from cli import probes
from cli.run import embedded_redis
from cli.run.first_account import EMAIL
from cli.run.installation import Installation
from cli.run.running import RunningRoles
from cli.state import State, data_plane_environment, registry_environment

READY_WITHIN_S = 120.0
ANSWERS_WITHIN_S = 30.0


async def start_all(
    roles: RunningRoles, state: State, installation: Installation, password: str | None
) -> None:
    """Start Redis and the roles; ClickException or StartError says what did not start."""
    if installation.redis is not None:
        roles.redis = embedded_redis.start(*installation.redis, roles.reactor)
    for role, sockets in installation.sockets.items():
        roles.add(role, sockets, _environment_of(role, installation))
    ready = gatherResults([each.when_ready() for each in roles.roles.values()], consumeErrors=True)
    try:
        await ready.addTimeout(READY_WITHIN_S, roles.reactor)
    except (TimeoutError, FirstError) as error:
        if isinstance(error, FirstError) and not error.subFailure.check(CancelledError):
            error.subFailure.raiseException()
        raise click.ClickException(_not_ready(roles)) from None
    silent = await deferToThread(_silent, installation)
    if silent:
        raise click.ClickException(f"started, but there is no answer from {', '.join(silent)}")
    _welcome(state, installation, password)


def _environment_of(role: str, installation: Installation) -> Callable[[], Mapping[str, str]]:
    variables = registry_environment if role == "registry" else data_plane_environment
    return lambda: variables(installation.configuration)


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


def _welcome(state: State, installation: Installation, password: str | None) -> None:
    dns = installation.data_plane.dns_listen[0]
    file = state.folder / "sign-in"
    if sys.stdout.isatty() and password is not None:
        said = password
    else:
        said = f"in {file}" if file.exists() else "the one you chose"
    port = "" if dns.port == 53 else f" -p {dns.port}"
    lines = (
        f"Sign in    {installation.registry.public_url}",
        f"           e-mail {EMAIL}, password {said}",
        '           and press "Register my IP address"',
        f"Then try   dig @{dns.address}{port} www.netflix.com",
        f"Ready      DNS on {dns}; Ctrl-C stops everything",
    )
    for line in lines:
        click.echo(line)
