"""`zones explain --from`: one address through database, Redis, each mirror, and the decision.

What it shows goes to the operator's own terminal and is kept nowhere.
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
    """What each station has for an address: network -> profile, both as their text."""

    database: dict[str, str]
    redis: dict[str, str] | None
    """None: Redis does not answer."""
    workers: dict[str, list[dict[str, str | bool | None]]] = field(default_factory=dict)
    """Role -> what each worker's mirror has and decides; empty: nothing runs here."""


def trace_address(state: State, name: str, address: Address) -> Trace:
    """Ask every station."""
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
    """Every network that the address lies in, the longest first."""
    return [
        ipaddress.ip_network(f"{address}/{length}", strict=False)
        for length in range(address.max_prefixlen, -1, -1)
    ]


def _desired(session: Session, networks: list[Network]) -> dict[str, str]:
    profiles = grants_for(session, [str(network) for network in networks], utc_today())
    return {network: encode_profile(profile) for network, profile in profiles.items()}


def render_trace(trail: Trace) -> list[str]:
    """One line a station."""
    published = "does not answer" if trail.redis is None else _grants(trail.redis)
    shown = [f"database   {_grants(trail.database)}", f"Redis      {published}"]
    if not trail.workers:
        shown.append("workers    none runs on this state folder")
    for role, answers in trail.workers.items():
        for number, said in enumerate(answers, 1):
            held = said["profile"] or NOT_LET_IN if said["loaded"] else "allowlist not loaded"
            decision = f": {said['decision']}" if "decision" in said else ""
            shown.append(f"{f'{role} {number}':<11}{held}{decision}")
    return shown


def _grants(grants: dict[str, str]) -> str:
    return ", ".join(f"{network} {profile}" for network, profile in grants.items()) or NOT_LET_IN
