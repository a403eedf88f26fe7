"""The page of an updater's link for people: opening it changes nothing, its button registers.

Chats, mail programs and virus scanners open links by themselves, to show a preview or to check
them. They send GET, whatever headers they send with it; so only POST registers an address.
"""

import time

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from registry.actions.errors import ActionRefused, TooManyChanges, UnknownToken
from registry.actions.updaters.tokens import is_link, update_by_link
from registry.day import utc_today
from registry.web.arriving.sender import sender
from registry.web.refusals import explain
from registry.web.services import services
from registry.web.updates.change_budget import ChangeBudget


def make_link_page(budget: ChangeBudget) -> Blueprint:
    """Make the page; `budget` is that of the routers' endpoints, too."""
    link_page = Blueprint("link_page", __name__, url_prefix="/link")

    @link_page.get("/<secret>")
    def show(secret: str) -> str:
        """Show the address and the button."""
        with services().readers() as reading:
            if not is_link(reading, secret.lower()):
                abort(404)
        return render_template("link.html", secret=secret, address=sender())

    @link_page.post("/<secret>")
    def register(secret: str) -> Response:
        """Register the address that the button was pressed from."""
        try:
            outcome = _register(secret.lower(), budget)
        except UnknownToken:
            abort(404)
        if isinstance(outcome, ActionRefused):
            flash(explain(outcome), "error")
        else:
            flash(_("This network is registered."))
        return redirect(url_for("link_page.show", secret=secret), 303)

    return link_page


def _register(secret: str, budget: ChangeBudget) -> ActionRefused | None:
    """Register the sender's address; give why it was refused, or None."""
    if budget.is_spent(secret, time.monotonic()):
        return TooManyChanges()
    with services().sessions.begin() as session:
        outcome = update_by_link(session, secret, sender(), rules=services().rules, day=utc_today())
    if isinstance(outcome, ActionRefused):
        return outcome
    if outcome.changed:
        budget.spend(secret)
    return None
