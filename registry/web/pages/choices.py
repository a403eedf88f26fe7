"""The regions and streaming services that people can choose from, with their names."""

from dataclasses import dataclass

from flask_babel import get_locale
from flask_babel import gettext as _

from registry.models import SlotKind
from registry.web.household import SlotView
from registry.web.services import services
from zones.catalog import Region, Service


@dataclass(frozen=True, slots=True)
class ServiceChoice:
    """A streaming service, and those of its regions that have a relay."""

    name: str
    title: str
    regions: tuple[str, ...]


def offered_regions() -> dict[str, str]:
    """Give code -> name of each region that has a relay, sorted by name."""
    names = {code: region_name(region) for code, region in services().catalog.regions.items()}
    offered = {code: name for code, name in names.items() if _has_relay(code)}
    return dict(sorted(offered.items(), key=lambda pair: pair[1].casefold()))


def offered_services() -> list[ServiceChoice]:
    """Give the services for which there is a relay, sorted by title."""
    choices = (_choice(service) for service in services().catalog.services.values())
    return sorted(
        (choice for choice in choices if choice.regions),
        key=lambda choice: choice.title.casefold(),
    )


def region_name(region: Region) -> str:
    """Give the name of a region in the visitor's language."""
    return str(get_locale().territories.get(region.code.upper(), region.title))


def service_title(name: str) -> str:
    """Give the title of a streaming service, or its name if the catalogue does not have it."""
    service = services().catalog.services.get(name)
    return name if service is None else service.title


def slot_description(slot: SlotView) -> str:
    """Say what keeps the address of a slot up to date."""
    names = {
        SlotKind.PAGE: _("registered on this page"),
        SlotKind.UPDATER: _("updater %(number)s", number=slot.number),
        SlotKind.HOSTNAME: _("followed host name"),
        SlotKind.OPERATOR: _("entered by the operator"),
    }
    return str(names[slot.kind])


def _choice(service: Service) -> ServiceChoice:
    regions = tuple(code for code in service.regions if _has_relay(code))
    return ServiceChoice(service.name, service.title, regions)


def _has_relay(region: str) -> bool:
    relays = services().settings.relay_addresses
    return region in relays or "*" in relays
