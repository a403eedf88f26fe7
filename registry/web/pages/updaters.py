"""The page about updaters: creating them, showing their secret once, removing them."""

from collections.abc import Callable

import segno
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_security import auth_required
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from registry.actions.errors import ActionRefused
from registry.actions.preferences import set_updater_mails
from registry.actions.updaters.hostnames import follow_hostname
from registry.actions.updaters.tokens import issue_token, revoke_slot
from registry.following.hostnames import parse_hostname
from registry.following.lookup import look_up, system_name_servers
from registry.models import SlotKind
from registry.web.arriving.parameters import whole_number
from registry.web.arriving.places import Places
from registry.web.arriving.sightings import addresses_seen
from registry.web.household import load_household
from registry.web.pages.router_configurations import router_configurations
from registry.web.refusals import explain
from registry.web.services import services
from registry.web.sign_in.visitors import visitor

updaters = Blueprint("updaters", __name__, url_prefix="/updaters")

_KINDS = {SlotKind.UPDATER, SlotKind.HOSTNAME}
_signed_in = auth_required("session")
_looking_up = Places(most=16, most_per_client=1)
"""Accounts for which name servers are being asked. The pool of threads has fewer places in all."""


@updaters.get("")
@_signed_in
def show() -> str:
    """Show the updaters of the account, and the form for a new one."""
    slots = load_household(visitor().id, ()).slots
    return render_template(
        "updaters.html",
        slots=[slot for slot in slots if slot.kind in _KINDS],
        follow_hostnames=services().settings.follow_hostnames,
        mails=visitor().updater_mails if services().mailer is not None else None,
    )


@updaters.post("")
@_signed_in
def make() -> Response | str:
    """Create an updater, and show its secret once."""
    if not visitor().verify_and_update_password(request.form.get("password", "")):
        flash(_("This is not your password."), "error")
        return _back()
    label, limit = request.form.get("label", ""), services().rules.slot_limit
    try:
        with services().sessions.begin() as session:
            issued = issue_token(session, visitor().id, label, limit=limit)
    except ActionRefused as refusal:
        flash(explain(refusal), "error")
        return _back()
    public_url = services().settings.public_url
    link = issued.link(public_url)
    return render_template(
        "updater.html",
        issued=issued,
        link=link,
        router_link=issued.router_link(public_url),
        code=segno.make(link, micro=False).svg_data_uri(scale=5, border=3),
        configurations=router_configurations(public_url, issued.username, issued.token),
    )


@updaters.post("/hostname")
@_signed_in
def follow() -> Response:
    """Follow a DDNS name, which must have the visitor's present address."""
    if not services().settings.follow_hostnames:
        abort(404)

    def follow_it(session: Session) -> None:
        follow_hostname(
            session,
            visitor().id,
            hostname,
            answers=answers,
            senders=addresses_seen(),
            rules=services().rules,
        )

    try:
        hostname = parse_hostname(request.form.get("hostname", ""), services().settings.public_host)
    except ActionRefused as refusal:
        flash(explain(refusal), "error")
        return _back()
    account_id = visitor().id
    if not _looking_up.take(account_id):
        flash(_("We are still looking up another host name for you. Please wait."), "error")
        return _back()
    try:
        # This comes before the transaction, because it may take seconds.
        answers = look_up(system_name_servers(), hostname)
    finally:
        _looking_up.leave(account_id)
    return _do(follow_it, _("The host name is followed."))


@updaters.post("/mails")
@_signed_in
def write() -> Response:
    """Switch mails about failing updaters on or off."""
    wanted = request.form.get("mails") == "1"
    return _do(
        lambda session: set_updater_mails(session, visitor().id, wanted=wanted),
        _("From now on we send a mail when an updater has failed for a day.")
        if wanted
        else _("From now on we send no mails about failing updaters."),
    )


@updaters.post("/remove")
@_signed_in
def remove() -> Response:
    """Remove an updater: its token becomes invalid, and its addresses are deleted."""
    number = whole_number("number") or 0
    return _do(
        lambda session: revoke_slot(session, visitor().id, number),
        _("The updater and its address have been removed."),
    )


def _do(action: Callable[[Session], object], message: str) -> Response:
    try:
        with services().sessions.begin() as session:
            action(session)
        flash(message)
    except ActionRefused as refusal:
        flash(explain(refusal), "error")
    return _back()


def _back() -> Response:
    return redirect(url_for("updaters.show"), 303)
