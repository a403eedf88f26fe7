"""`zones explain --from`: one address in the database, in Redis and in each worker's mirror.

The output goes only to the operator's terminal; nothing is stored.
"""

import ipaddress
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from cli import control_client
from cli.registry_access import open_registry
from cli.state import State
from registry.day import utc_today
from registry.publishing.grants import grants_for
from registry.publishing.inspection import grants_in_redis
from registry.publishing.redis_server import RedisUnavailable
from smartdns.contract.addresses import Address, Network
from smartdns.contract.redis_layout import encode_profile

NOT_LET_IN = "not let in"


@dataclass(frozen=True)
class Trace:
    """What each component has for an address: network -> profile, both as text."""

    database: dict[str, str]
    redis: dict[str, str] | None
    """None: Redis does not answer."""
    workers: dict[str, list[dict[str, str | bool | None]]] = field(default_factory=dict)
    """Role -> what each worker's mirror has and decides; empty: no worker runs."""


def trace_address(state: State, name: str, address: Address) -> Trace:
    """Ask the database, Redis and every worker."""
    networks = networks_around(address)
    with open_registry(state) as registry:
        with registry.readers.begin() as session:
            desired = _desired(session, networks)
        try:
            published = grants_in_redis(registry.settings.redis_url, networks)
        except RedisUnavailable:
            published = None
    question = {"what": "explain", "name": name, "address": str(address)}
    workers = {
        role: said
        for each in control_client.ask(state.folder, question)
        for role, said in (each or {}).items()
        if said
    }
    return Trace(desired, published, workers)


def networks_around(address: Address) -> list[Network]:
    """Give every network that contains the address, the longest prefix first."""
    return [
        ipaddress.ip_network(f"{address}/{length}", strict=False)
        for length in range(address.max_prefixlen, -1, -1)
    ]


def _desired(session: Session, networks: list[Network]) -> dict[str, str]:
    profiles = grants_for(session, [str(network) for network in networks], utc_today())
    return {network: encode_profile(profile) for network, profile in profiles.items()}


def render_trace(trace: Trace) -> list[str]:
    """Give one line for each component."""
    published = "does not answer" if trace.redis is None else _grants(trace.redis)
    shown = [f"database   {_grants(trace.database)}", f"Redis      {published}"]
    if not trace.workers:
        shown.append("workers    none runs on this state folder")
    for role, answers in trace.workers.items():
        for number, said in enumerate(answers, 1):
            grant = said["profile"] or NOT_LET_IN if said["loaded"] else "allowlist not loaded"
            decision = f": {said['decision']}" if "decision" in said else ""
            shown.append(f"{f'{role} {number}':<11}{grant}{decision}")
    return shown


def _grants(grants: dict[str, str]) -> str:
    return ", ".join(f"{network} {profile}" for network, profile in grants.items()) or NOT_LET_IN
