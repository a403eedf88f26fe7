"""The page about the account: sign-in data, everything that we store, and deletion."""

import json

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_security import auth_required, logout_user
from werkzeug.wrappers import Response as BaseResponse

from registry.actions.accounts.export import export_account
from registry.actions.accounts.lifecycle import delete_account
from registry.actions.sign_in import sign_out_everywhere
from registry.web.services import services
from registry.web.sign_in.visitors import visitor

account = Blueprint("account", __name__, url_prefix="/account")

_signed_in = auth_required("session")


@account.get("")
@_signed_in
def show() -> str:
    """Show the page."""
    return render_template("account.html", account=visitor())


@account.post("/data")
@_signed_in
def stored_data() -> BaseResponse | str:
    """Show everything that we store about the account, or send it as a JSON file."""
    if not _password_given():
        return _back()
    with services().sessions.begin() as session:
        everything = export_account(session, visitor().id)
    if request.form.get("as") != "json":
        return render_template("stored_data.html", everything=everything)
    text = json.dumps(everything, indent=2, ensure_ascii=False)
    file = Response(text, content_type="application/json")
    file.headers["Content-Disposition"] = 'attachment; filename="mediastreamer.json"'
    return file


@account.post("/sign-out-everywhere")
@_signed_in
def sign_out_of_all() -> BaseResponse:
    """Sign out this browser and every other one."""
    with services().sessions.begin() as session:
        sign_out_everywhere(session, visitor().id)
    logout_user()
    flash(_("You are signed out in every browser."))
    return redirect(url_for("security.login"), 303)


@account.post("/delete")
@_signed_in
def delete() -> BaseResponse:
    """Delete the account with everything that is stored about it."""
    if not _password_given():
        return _back()
    with services().sessions.begin() as session:
        delete_account(session, visitor().id)
    services().sweep_soon()
    logout_user()
    flash(_("Your account and everything we stored about it have been deleted."))
    return redirect(url_for("security.login"), 303)


def _password_given() -> bool:
    if visitor().verify_and_update_password(request.form.get("password", "")):
        return True
    flash(_("This is not your password."), "error")
    return False


def _back() -> BaseResponse:
    return redirect(url_for("account.show"), 303)
