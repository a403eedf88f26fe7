"""Placeholder."""

from flask import Blueprint, render_template

guides = Blueprint("guides", __name__)


@guides.get("/guides")
def index() -> str:
    """Show it."""
    return render_template("bare.html")
