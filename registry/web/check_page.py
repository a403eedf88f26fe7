"""Placeholder."""

from flask import Blueprint, render_template

check = Blueprint("check", __name__)


@check.get("/check")
def show() -> str:
    """Show it."""
    return render_template("bare.html")
