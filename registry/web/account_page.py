"""Placeholder."""

from flask import Blueprint, render_template

account = Blueprint("account", __name__)


@account.get("/account")
def show() -> str:
    """Show it."""
    return render_template("bare.html")
