"""Routers and links that report a changed address: made here, shown once, taken back here."""

import segno
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_security import auth_required
from werkzeug.wrappers import Response

from registry.actions.errors import Refused
from registry.actions.issue_token import issue_token, revoke_slot
from registry.models import SlotKind
from registry.web.household import load_household
from registry.web.parts import parts, visitor
from registry.web.refusals import explain
from registry.web.router_configurations import configurations

updaters = Blueprint("updaters", __name__, url_prefix="/updaters")

_signed_in = auth_required("session")


@updaters.get("")
@_signed_in
def show() -> str:
    """Show the updaters there are, and the form for a new one."""
    places = load_household(visitor().id, ()).places
    mine = [place for place in places if place.kind is SlotKind.UPDATER]
    return render_template("updaters.html", places=mine)


@updaters.post("")
@_signed_in
def make() -> Response | str:
    """Make one, and show its secret this once."""
    if not visitor().verify_and_update_password(request.form.get("password", "")):
        flash(_("That is not your password."), "error")
        return _back()
    label, limit = request.form.get("label", ""), parts().rules.slot_limit
    try:
        with parts().sessions.begin() as session:
            issued = issue_token(session, visitor().id, label, limit=limit)
    except Refused as refusal:
        flash(explain(refusal), "error")
        return _back()
    public_url = parts().settings.public_url
    link = issued.link(public_url)
    return render_template(
        "updater.html",
        issued=issued,
        link=link,
        code=segno.make(link, micro=False).svg_data_uri(scale=5, border=3),
        configurations=configurations(public_url, issued.username, issued.token),
    )


@updaters.post("/remove")
@_signed_in
def remove() -> Response:
    """Take one back: its token is worth nothing from now on, its addresses are forgotten."""
    text = request.form.get("number", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    try:
        with parts().sessions.begin() as session:
            revoke_slot(session, visitor().id, number)
        flash(_("The updater is removed, and its address with it."))
    except Refused as refusal:
        flash(explain(refusal), "error")
    return _back()


def _back() -> Response:
    return redirect(url_for("updaters.show"), 303)
