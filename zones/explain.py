"""Why a name is steered or not, in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from zones.catalog import ANY_REGION, Catalog, Match
from zones.names import render_name


@dataclass(frozen=True, slots=True)
class Explanation:
    """What decided about a name, and what its household gets."""

    name: str
    decision: str
    """`steer` or `forward`."""
    reason: str
    service: str | None = None
    entry: str | None = None
    """The entry that decided."""
    regions: tuple[str, ...] = ()
    """Those that the service makes sense in."""
    region: str | None = None
    """Where this household's connections come out."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """Query type -> the reply in words."""


def explain(
    catalog: Catalog, wire: bytes, region: str | None, relays: Mapping[str, tuple[str, ...]]
) -> Explanation:
    """Follow one name for a household whose default region is `region`.

    `relays` has the addresses of each region, `*` for any; empty: as if each region had one.
    """
    name = render_name(wire)
    match = catalog.find(wire)
    if match is None:
        return _not_steered(catalog, wire, name)
    service = match.service
    entry = render_name(match.owner)
    how = "is the entry itself" if match.owner == wire else f"is below {entry}"
    reason = f"{name} {how}: {service.title} ({service.name})"
    chosen = service.region_for(region, relays if ANY_REGION not in relays else ())
    if chosen is None:
        return Explanation(
            name,
            "forward",
            f"{reason}, but no relay is in its regions; set RELAY_ADDRESSES for one",
            service.name,
            entry,
            service.regions,
            answers={"all": "the ordinary answer of an upstream resolver"},
        )
    return Explanation(
        name,
        "steer",
        reason,
        service.name,
        entry,
        service.regions,
        chosen,
        _answers(match, chosen, relays),
    )


def _not_steered(catalog: Catalog, wire: bytes, name: str) -> Explanation:
    ordinary = {"all": "the ordinary answer of an upstream resolver"}
    if (above := catalog.kept_out_by(wire)) is None:
        return Explanation(name, "forward", f"{name} belongs to no service", answers=ordinary)
    entry = render_name(above)
    how = "is" if above == wire else f"is below {entry},"
    if above in catalog.never:
        reason = f"{name} {how} a connectivity check: never steered, whatever a service says"
        return Explanation(name, "forward", reason, entry=entry, answers=ordinary)
    service = next(one for one in catalog.services.values() if entry in one.never)
    reason = f"{name} {how} an exception of {service.title} ({service.name})"
    return Explanation(
        name, "forward", reason, service.name, entry, service.regions, answers=ordinary
    )


def _answers(match: Match, region: str, relays: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    addresses = relays.get(region) or relays.get(ANY_REGION, ())
    nodata = f"NODATA with the SOA of {render_name(match.owner)}"
    ipv4 = ", ".join(address for address in addresses if ":" not in address)
    ipv6 = ", ".join(address for address in addresses if ":" in address)
    unknown = f"the addresses in {region} of its relay, TTL 60; where it has none, {nodata}"
    return {
        "A": f"{ipv4}, TTL 60" if ipv4 else nodata if addresses else unknown,
        "AAAA": f"{ipv6}, TTL 60" if ipv6 else nodata if addresses else unknown,
        "HTTPS": f"{nodata}, so that nothing leads around the relay",
    }
