"""Is it working? The visitor's own device asks our check names and draws its conclusions.

A picture below a check name is found only by who asks through our resolvers from a registered
address; below another kind of it, only in a certain region, or only by way of the relay. All of
them show without script, too; nothing is reported and nothing is kept.
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
    """Where the pictures of the check lie; `*` stands for a label."""

    page: str
    """Origin of those that the page itself serves."""
    relay: str | None
    """Origin of those that come by way of a relay; None: relays let none through."""

    def reached(self) -> str:
        """Give the address of one that leads straight to the page."""
        return self._at(self.page, _random())

    def in_region(self, checked: CheckedService, region: str) -> str:
        """Give the address of one that is there in one region of a service only."""
        return self._at(self.page, f"{IN_REGION}{region}-{_random()}-{checked.service}")

    def by_relay(self, checked: CheckedService) -> str:
        """Give the address of one that comes by way of a service's relay."""
        return self._at(self.relay or "", f"{BY_RELAY}{_random()}-{checked.service}")

    def _at(self, origin: str, label: str) -> str:
        return f"{origin.replace('*', label)}{_PICTURE}"


@check.get("/check")
def show() -> str:
    """Show what this device is answered, and what to do about it."""
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
        around=_by_another_way(),
    )


@check.get("/tv")
def television() -> str:
    """Show the same in large letters, for the browser of a TV; nobody signs in there."""
    checked = [service.anywhere() for service in checked_services(services(), None, {})[:1]]
    return render_template(
        "television.html",
        pictures=pictures(services().settings),
        checked=checked,
        address=sender(),
        around=_by_another_way(),
    )


@check.get("/address")
def address() -> Response:
    """Say from which address a request comes, for programs that watch it."""
    return Response(f"{sender()}\n", content_type="text/plain; charset=utf-8")


def pictures(settings: RegistrySettings) -> Pictures | None:
    """Say where the pictures lie; None where a browser could not tell.

    On https the certificate must hold for every check name, or each would look unreachable.
    Relays are at the ports that devices use.
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
    """Give every origin that a picture of the check may come from."""
    found = pictures(services.settings)
    return () if found is None else tuple(filter(None, (found.page, found.relay)))


def _by_another_way() -> bool:
    """Whether the visit came through what the operator knows as a VPN or as Private Relay.

    Without such a list that looks like another resolver, as a browser's own encrypted DNS does:
    from inside a page the two are the same, for both look up everything but our check names.
    """
    return services().rules.known.find(sender()) in {"vpn", "private-relay"}


def _random() -> str:
    """Give a label that no cache knows; it means nothing."""
    return secrets.token_hex(5)
