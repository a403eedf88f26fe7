"""Guides for devices, with this service's own DNS servers filled in; open to everybody."""

from flask import Blueprint, abort, render_template

from registry.web.pages.guide_texts import GUIDES
from registry.web.services import services

guides = Blueprint("guides", __name__, url_prefix="/devices")

_BY_NAME = {guide.name: guide for guide in GUIDES}


@guides.get("")
def index() -> str:
    """List the devices."""
    return render_template("guides.html", guides=GUIDES)


@guides.get("/<name>")
def show(name: str) -> str:
    """Show how it is done on one device."""
    guide = _BY_NAME.get(name)
    if guide is None:
        abort(404)
    return render_template("guide.html", guide=guide, servers=services().settings.dns_addresses)
