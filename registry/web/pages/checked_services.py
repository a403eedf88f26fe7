"""The streaming services with which the check finds out which regions a device gets."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from registry.web.pages.choices import offered_regions, offered_services
from registry.web.services import Services
from smartdns.contract.grants import OFF
from zones.catalog import Service

MOST = 6
_MOST_REGIONS = 14
"""Each region costs a DNS query and a picture from the page."""


@dataclass(frozen=True, slots=True)
class CheckedService:
    """A streaming service of the check, and the region that it should be in."""

    service: str
    title: str
    region: str | None
    """None: any region is right."""
    regions: Mapping[str, str]
    """Code -> name of the regions to look for."""

    @property
    def region_name(self) -> str:
        """Give the name of the region that it should be in."""
        return self.regions.get(self.region or "", "")

    def anywhere(self) -> "CheckedService":
        """Give the same without an expected region: in the TV's browser nobody is signed in."""
        return replace(self, region=None)


def checked_services(
    services: Services, default: str | None, chosen: Mapping[str, str]
) -> list[CheckedService]:
    """Give a service that shows the default region, then those with a chosen region.

    `default`: the account's region; `chosen`: service -> region, or "off".
    """
    known = services.catalog.services
    names = offered_regions()
    relays = () if "*" in services.settings.relay_addresses else tuple(names)
    offered = [known[one.name] for one in offered_services()]
    free = [service for service in offered if service.name not in chosen]
    fitting = [service for service in free if default in service.regions] or free
    samples = []
    if fitting:  # people most likely have the service with most regions
        widest = max(fitting, key=lambda service: len(service.regions))
        samples.append(_checked(widest, widest.region_for(default, relays), names))
    for name, region in sorted(chosen.items()):
        if name in known and (region in names or region == OFF):
            samples.append(_checked(known[name], region, names))
    return samples[:MOST]


def _checked(service: Service, region: str | None, names: Mapping[str, str]) -> CheckedService:
    codes = [code for code in service.regions if code in names and code != region]
    first = [region] if region is not None and region != OFF else []
    regions = {code: names[code] for code in (*first, *codes[:_MOST_REGIONS])}
    return CheckedService(service.name, service.title, region, regions)
