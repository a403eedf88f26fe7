"""The page *DNS Settings*: the visitor's address, whether it is registered, and a button."""

from collections.abc import Callable
from typing import Literal

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_security import auth_required
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from registry.actions.addresses.registering import register_address
from registry.actions.addresses.removing import (
    Removed,
    forget_all_addresses,
    remove_address,
    restore_address,
)
from registry.actions.errors import ActionRefused, AddressDoubtful
from registry.actions.preferences import (
    choose_service_region,
    set_automatic_registration,
    set_region,
)
from registry.models import SlotKind
from registry.web.arriving.parameters import whole_number
from registry.web.arriving.sightings import (
    accept_sighting,
    addresses_seen,
    family_hosts,
    own_ticket,
)
from registry.web.household import load_household
from registry.web.pages.choices import offered_regions, offered_services
from registry.web.refusals import explain
from registry.web.seal import SealError
from registry.web.services import services
from registry.web.sign_in.visitors import visitor
from smartdns.contract.addresses import parse_network

dns_settings = Blueprint("dns_settings", __name__)

UNDO_S = 600
_signed_in = auth_required("session")


@dns_settings.get("/")
@_signed_in
def show() -> str:
    """Show the page; the link may contain a sighting of an address of the other family."""
    seen = request.args.get("seen", "")
    accept_sighting(seen, spend=False)
    household = load_household(visitor().id, addresses_seen())
    return render_template(
        "dns_settings.html",
        household=household,
        seen=seen,
        ticket=own_ticket(),
        family_hosts=family_hosts(),
        dns_addresses=services().settings.dns_addresses,
        regions=offered_regions(),
        services=offered_services(),
        undo=session.pop("undo", None),
    )


@dns_settings.post("/addresses")
@_signed_in
def register() -> Response:
    """Register each address that the visitor's requests came from."""
    slot = _slot()
    accept_sighting(request.form.get("seen", ""), spend=True)
    insisting = request.form.get("insist") == "1"
    refused: list[ActionRefused] = []
    registered = 0
    for address in addresses_seen():
        try:
            with services().sessions.begin() as writing:
                register_address(
                    writing,
                    visitor().id,
                    address,
                    rules=services().rules,
                    slot=slot,
                    insisting=insisting,
                )
            registered += 1
        except ActionRefused as refusal:
            refused.append(refusal)
    if registered:
        flash(_("This network is registered. Restart the TV or console if it still does not work."))
    else:
        _show(refused)
    return _back()


def _show(refused: list[ActionRefused]) -> None:
    for refusal in refused:
        flash(explain(refusal), "warning" if isinstance(refusal, AddressDoubtful) else "error")


def _slot() -> int | Literal["new"] | None:
    text = request.form.get("slot", "")
    if text == "new":
        return "new"
    if not text:
        return None
    number = whole_number("slot")
    if number is None:
        abort(400)
    return number


@dns_settings.post("/addresses/remove")
@_signed_in
def remove() -> Response:
    """Remove one registered address, and offer to undo it."""

    def remove_and_seal(writing: Session) -> None:
        removed = remove_address(writing, visitor().id, whole_number("registration") or 0)
        session["undo"] = services().seal.close(
            "removed",
            str(visitor().id),
            {
                "network": str(removed.network),
                "kind": removed.kind,
                "slot": str(removed.slot_id or ""),
            },
        )

    return _do(remove_and_seal, _("The address is removed."))


@dns_settings.post("/addresses/restore")
@_signed_in
def undo() -> Response:
    """Undo a removal; the page has what is needed for it, so nothing is stored here."""
    try:
        sealed = request.form.get("removed", "")
        content = services().seal.open_once("removed", str(visitor().id), sealed, UNDO_S)
    except SealError:
        flash(_("It is too late to undo this. Register the address again."), "error")
        return _back()
    removed = Removed(
        parse_network(content["network"]),
        SlotKind(content["kind"]),
        int(content["slot"]) if content["slot"] else None,
    )
    limit = services().rules.slot_limit
    return _do(
        lambda writing: restore_address(writing, visitor().id, removed, limit=limit),
        _("The address is registered again."),
    )


@dns_settings.post("/off")
@_signed_in
def forget_all() -> Response:
    """Turn MediaStreamer off: delete all addresses and updaters."""
    return _do(
        lambda writing: forget_all_addresses(writing, visitor().id),
        _("MediaStreamer is off. We no longer store any of your addresses."),
    )


@dns_settings.post("/region")
@_signed_in
def choose_region() -> Response:
    """Choose the default region."""
    region = request.form.get("region") or None
    return _do(
        lambda writing: set_region(writing, visitor().id, region, catalog=services().catalog),
        _("Your region is saved. Restart the streaming app to see it."),
    )


@dns_settings.post("/services")
@_signed_in
def choose_service() -> Response:
    """Choose a region for one streaming service, or "off", or the default again."""
    service, region = request.form.get("service", ""), request.form.get("region") or None
    return _do(
        lambda writing: choose_service_region(
            writing, visitor().id, service, region, catalog=services().catalog
        ),
        _("Your choice is saved. Restart the streaming app to see it."),
    )


@dns_settings.post("/automatic")
@_signed_in
def automatic() -> Response:
    """Switch automatic registration on or off."""
    wanted = request.form.get("automatic") == "1"
    return _do(
        lambda writing: set_automatic_registration(writing, visitor().id, wanted=wanted),
        _("From now on this page registers the address it is opened from.")
        if wanted
        else _("From now on an address is registered only when you tap the button."),
    )


def _do(action: Callable[[Session], None], message: str) -> Response:
    try:
        with services().sessions.begin() as writing:
            action(writing)
        flash(message)
    except ActionRefused as refusal:
        flash(explain(refusal), "error")
    return _back()


def _back() -> Response:
    return redirect(url_for("dns_settings.show"), 303)
