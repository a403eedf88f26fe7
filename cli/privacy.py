"""`mediastreamer privacy`: prove on a running installation that nothing about use is stored."""

import functools
import itertools
import json
import os
import time
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from cli import control_client
from cli.registry_access import Registry, open_registry
from cli.state import State, json_option, state_option
from smartdns.contract.addresses import SocketAddress, parse_address
from smartdns.settings import read_settings

if TYPE_CHECKING:
    from cli.audit.report import AuditReport
    from cli.audit.traffic import Traffic


NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
SETTLE_S = 2.0
"""After the traffic, so that programs that write with a delay have written."""
_Send = Callable[["Traffic", SocketAddress, str, str, str, set[int]], None]
"""Called with server, source address, suffix, who asks, and the expected response codes."""


@click.group()
def privacy() -> None:
    """Prove that nothing about use is stored."""


@privacy.command()
@state_option
@json_option
@click.option(
    "--search",
    metavar="DIR",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Search files below DIR and the state folder instead of the usual folders (repeatable).",
)
def audit(state: State, search: tuple[Path, ...], *, as_json: bool) -> None:
    """Send canaries through the running installation, then search for them everywhere.

    Run it as root on the machine of the resolver, the relay or the registry. It reports what it
    could not search. Exit status: 0 clean, 1 something was found or nothing was proved.
    """
    from cli.audit.files import USUAL, search_files, search_journal
    from cli.audit.household import HOUSEHOLD
    from cli.audit.processes import look_at_machine, look_at_process, look_at_writes
    from cli.audit.report import AuditReport
    from cli.audit.stores import read_metrics, search_database, search_metrics, search_redis
    from cli.audit.surroundings import look_at_containers, search_histories, search_titles
    from cli.audit.traffic import Traffic
    from cli.audit.watch import Watch
    from registry.day import utc_today

    roles = _running_roles(state)
    report = AuditReport()
    traffic = Traffic(report)
    began, metrics = time.time(), state.configuration().texts.get("metrics")
    before = read_metrics(metrics)
    pids = {
        pid: name
        for name, role in roles.items()
        for kind in ("pids", "standby")  # a standby has addresses, too
        for pid in role.get(kind, ())
    }
    with open_registry(state) as registry:
        with Watch(pids) as watch:
            _send_everything(traffic, state, roles, registry)
            time.sleep(SETTLE_S)
        needles = traffic.canaries.needles()
        registered = next(each for each, way in traffic.canaries.sent.items() if way == HOUSEHOLD)
        look_at_writes(report, traffic.canaries.needles(but=registered), watch, pids)
        for pid, role in pids.items():
            look_at_process(report, needles, role, pid)
        search_titles(report, needles)
        look_at_machine(report)
        look_at_containers(report, needles, pids)
        folders = [state.folder, *(search or (*map(Path, USUAL.split()), Path(gettempdir())))]
        search_files(report, needles, list(dict.fromkeys(folders)), began - 1)
        search_histories(report, needles)
        search_journal(report, needles, began - 1)
        search_redis(report, needles, registry.settings.redis_url)
        search_database(report, needles, registry.engine, began - 1)
        search_metrics(report, needles, metrics, before)
    if os.geteuid() != 0:
        report.unseen("the machine as a whole", "the audit did not run as root")
    text = report.as_text(utc_today().isoformat())
    click.echo(json.dumps(report.as_json(), indent=2) if as_json else text)
    raise SystemExit(0 if report.good else 1)


def _running_roles(state: State) -> dict[str, Any]:
    roles: dict[str, Any] = {}
    for answer in control_client.ask(state.folder, {"what": "status"}):
        roles.update(answer["roles"])
    if not roles:
        raise click.ClickException(
            f"nothing runs on {state.folder}: start it with `mediastreamer up`, "
            "or choose another installation with --state DIR"
        )
    return roles


def _send_everything(
    traffic: "Traffic", state: State, roles: Container[str], registry: Registry
) -> None:
    from cli.audit.household import household
    from cli.audit.postgresql import provoke_duplicate
    from cli.audit.traffic import (
        send_queries,
        send_queries_over_tls,
        send_to_relay_for_http,
        send_to_relay_for_tls,
        visit_pages,
    )

    settings = read_settings(state.configuration())
    reach = functools.partial(_reachable, traffic.report, roles)
    steered = _steered_suffix(registry)
    dns_tls = settings.dns_tls_listen if settings.dns_certificate else ()
    ways: list[tuple[_Send, list[SocketAddress], tuple[str, ...]]] = [
        (send_queries, reach("resolver", "DNS", settings.dns_listen), (steered, "example.com")),
        (
            send_queries_over_tls,
            reach("resolver", "DNS over TLS", dns_tls),
            (steered, "example.com"),
        ),
        (
            _without_rcodes(send_to_relay_for_tls),
            reach("relay", "the relay for TLS", settings.relay_tls_listen),
            (steered,),
        ),
        (
            _without_rcodes(send_to_relay_for_http),
            reach("relay", "the relay for HTTP", settings.relay_http_listen),
            (steered,),
        ),
    ]
    stranger_address = traffic.canaries.address("address of a stranger")
    with household(registry, traffic.canaries) as household_address:
        let_in = {NOERROR, NXDOMAIN, SERVFAIL}
        by_ipv4 = (
            (household_address, "a household", let_in),
            (stranger_address, "a stranger", {REFUSED}),
        )
        # IPv6 has only one loopback address; an operator may have let it in or not.
        by_ipv6 = (("", "this machine over IPv6", {*let_in, REFUSED}),)
        for send, servers, suffixes in ways:
            for server, suffix in itertools.product(servers, suffixes):
                for source, who, good in by_ipv4 if server.address.version == 4 else by_ipv6:
                    send(traffic, server, source, suffix, who, good)
    for page in reach("registry", "the page", registry.settings.web_listen):
        url = urlsplit(registry.settings.public_url or f"http://{page}")
        tls = bool(registry.settings.web_certificate)
        ipv4 = page.address.version == 4
        visitor = traffic.canaries.address("address of a visitor") if ipv4 else ""
        visit_pages(traffic, page, url.netloc, tls=tls, source=visitor)
    traffic.send(
        "row that the database refuses",
        lambda word: provoke_duplicate(registry.engine, f"{word}@example.com"),
    )


def _steered_suffix(registry: Registry) -> str:
    return next(s for each in registry.catalog.services.values() for s in each.suffixes)


def _without_rcodes(send: Callable[["Traffic", SocketAddress, str, str, str], None]) -> _Send:
    return lambda traffic, server, source, suffix, who, _: send(
        traffic, server, source, suffix, who
    )


def _reachable(
    report: "AuditReport",
    roles: Container[str],
    role: str,
    what: str,
    listening: Sequence[SocketAddress],
) -> list[SocketAddress]:
    """Give the addresses at which to reach a service, and note them in the report.

    Over IPv4 the audit comes from a random loopback address, which nobody else uses; over IPv6
    from the address that the system chooses.
    """
    if role not in roles:
        return []
    servers = list(dict.fromkeys(_reachable_address(each) for each in listening))
    if servers:
        report.reached[what] = ", ".join(map(str, servers))
    return servers


def _reachable_address(listening: SocketAddress) -> SocketAddress:
    if not listening.address.is_unspecified:
        return listening
    loopback = "127.0.0.1" if listening.address.version == 4 else "::1"
    return SocketAddress(parse_address(loopback), listening.port)
