"""The guides for devices, with the DNS servers of this service; everybody can open them."""

from flask import Blueprint, abort, render_template

from registry.web.pages.guide_texts import GUIDES
from registry.web.services import services

guides = Blueprint("guides", __name__, url_prefix="/devices")

_BY_NAME = {guide.name: guide for guide in GUIDES}


@guides.get("")
def index() -> str:
    """Show the list of devices."""
    return render_template("guides.html", guides=GUIDES)


@guides.get("/<name>")
def show(name: str) -> str:
    """Show the guide for one device."""
    guide = _BY_NAME.get(name)
    if guide is None:
        abort(404)
    return render_template("guide.html", guide=guide, servers=services().settings.dns_addresses)
