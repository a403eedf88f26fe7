"""The check *Is it working?*: the visitor's own device looks up check names.

Each check name leads to a picture. A device finds the picture only if it asks our resolvers from a
registered address; with other check names only in one region, or only through the relay. The
pictures also work without script. The device reports nothing, and we store nothing.
"""

import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Blueprint, Response, render_template
from flask_login import current_user

from registry.settings import RegistrySettings
from registry.web.arriving.sender import sender
from registry.web.household import load_household
from registry.web.pages.checked_services import CheckedService, checked_services
from registry.web.services import Services, services
from registry.web.sign_in.visitors import visitor
from smartdns.contract.check_names import BY_RELAY, IN_REGION, check_domain

check = Blueprint("check", __name__)

_PICTURE = "/static/reached.svg"


@dataclass(frozen=True, slots=True)
class Pictures:
    """Origins of the check's pictures; `*` is the place of a label."""

    page: str
    """Origin of the pictures that the page serves."""
    relay: str | None
    """Origin of the pictures that come through a relay; None: there are none."""

    def reached(self) -> str:
        """Give the URL of a picture that every registered device can load."""
        return self._at(self.page, _random())

    def in_region(self, checked: CheckedService, region: str) -> str:
        """Give the URL of a picture that exists only in one region of a service."""
        return self._at(self.page, f"{IN_REGION}{region}-{_random()}-{checked.service}")

    def by_relay(self, checked: CheckedService) -> str:
        """Give the URL of a picture that comes through the relay of a service."""
        return self._at(self.relay or "", f"{BY_RELAY}{_random()}-{checked.service}")

    def _at(self, origin: str, label: str) -> str:
        return f"{origin.replace('*', label)}{_PICTURE}"


@check.get("/check")
def show() -> str:
    """Show which answers this device gets, and what to do about it."""
    address, checked = None, checked_services(services(), None, {})[:1]
    if current_user.is_authenticated:
        household = load_household(visitor().id, [sender()])
        address = household.seen[0]
        checked = checked_services(services(), household.region, household.service_regions)
    domain = check_domain(services().settings.public_url)
    return render_template(
        "check.html",
        address=address,
        pictures=pictures(services().settings),
        checked=checked,
        domain=domain,
        through_vpn=_is_through_vpn(),
    )


@check.get("/tv")
def television() -> str:
    """Show the same in large letters for the browser of a TV, without signing in."""
    checked = [service.anywhere() for service in checked_services(services(), None, {})[:1]]
    return render_template(
        "television.html",
        pictures=pictures(services().settings),
        checked=checked,
        address=sender(),
        through_vpn=_is_through_vpn(),
    )


@check.get("/address")
def address() -> Response:
    """Answer with the sender's address, for programs such as ddclient."""
    return Response(f"{sender()}\n", content_type="text/plain; charset=utf-8")


def pictures(settings: RegistrySettings) -> Pictures | None:
    """Give where the pictures are; None if a browser cannot load them.

    With https the certificate must be valid for every check name; otherwise no picture would load.
    Relays have the standard ports, so the relay's origin has no port.
    """
    url = urlsplit(settings.public_url)
    https = url.scheme == "https"
    if https and not settings.check_names:
        return None
    every = f"{url.scheme}://*.{check_domain(settings.public_url)}"
    by_relay = settings.check_listen and (settings.web_certificate is not None or not https)
    port = f":{url.port}" if url.port else ""
    return Pictures(f"{every}{port}", every if by_relay else None)


def picture_origins(services: Services) -> tuple[str, ...]:
    """Give every origin from which the check loads pictures."""
    found = pictures(services.settings)
    return () if found is None else tuple(filter(None, (found.page, found.relay)))


def _is_through_vpn() -> bool:
    """Say whether the request came from a VPN or Private Relay that the operator has listed.

    Without such a list the page cannot tell a VPN from another DNS server: in both cases the
    browser looks names up somewhere else.
    """
    return services().rules.known.find(sender()) in {"vpn", "private-relay"}


def _random() -> str:
    """Give a random label, so that no cache has the name."""
    return secrets.token_hex(5)
