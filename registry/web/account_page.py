"""The account itself: who signs in, what we hold, and the way out."""

import json

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_security import auth_required, logout_user
from werkzeug.wrappers import Response as BaseResponse

from registry.actions.accounts.export import export_account
from registry.actions.accounts.lifecycle import delete_account
from registry.actions.sign_in import sign_out_everywhere
from registry.web.parts import parts, visitor

account = Blueprint("account", __name__, url_prefix="/account")

_signed_in = auth_required("session")


@account.get("")
@_signed_in
def show() -> str:
    """Show what can be done about the account."""
    return render_template("account.html", account=visitor())


@account.post("/held")
@_signed_in
def held() -> BaseResponse | str:
    """Show everything we hold about the account, or hand it over as a file."""
    if not _password_given():
        return _back()
    with parts().sessions.begin() as session:
        everything = export_account(session, visitor().id)
    if request.form.get("as") != "json":
        return render_template("held.html", everything=everything)
    text = json.dumps(everything, indent=2, ensure_ascii=False)
    file = Response(text, content_type="application/json")
    file.headers["Content-Disposition"] = 'attachment; filename="mediastreamer.json"'
    return file


@account.post("/sign-out-everywhere")
@_signed_in
def leave_everywhere() -> BaseResponse:
    """Sign out this browser and every other."""
    with parts().sessions.begin() as session:
        sign_out_everywhere(session, visitor().id)
    logout_user()
    flash(_("You are signed out in every browser."))
    return redirect(url_for("security.login"), 303)


@account.post("/delete")
@_signed_in
def delete() -> BaseResponse:
    """Delete the account with all that is held about it."""
    if not _password_given():
        return _back()
    with parts().sessions.begin() as session:
        delete_account(session, visitor().id)
    parts().sweep_soon()
    logout_user()
    flash(_("Your account and everything we held about it are deleted."))
    return redirect(url_for("security.login"), 303)


def _password_given() -> bool:
    if visitor().verify_and_update_password(request.form.get("password", "")):
        return True
    flash(_("That is not your password."), "error")
    return False


def _back() -> BaseResponse:
    return redirect(url_for("account.show"), 303)
