"""Links in mails, and the forms that request them.

Some mail programs open every link to check it. So opening a link changes nothing: it shows a page
with a button. Changing the e-mail address requires the password.
"""

from collections.abc import Callable
from typing import Any

from flask import Flask, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security.change_email import ChangeEmailForm
from flask_security.forms import PasswordFormMixin
from flask_security.utils import do_flash, get_message

from registry.actions.errors import EmailTaken
from registry.settings import SignUp
from registry.web.services import services
from registry.web.sign_in.invitation import is_invited
from registry.web.sign_in.visitors import visitor

FlaskView = Callable[..., Any]


class ChangeEmailWithPassword(PasswordFormMixin, ChangeEmailForm):
    """The form for a new e-mail address, with a field for the present password."""

    def validate(self, **kwargs: object) -> bool:
        """Check the password first, so that nobody else learns anything about the address."""
        if visitor().verify_and_update_password(self.password.data or ""):
            return bool(super().validate(**kwargs))
        self.password.errors = [get_message("INVALID_PASSWORD")[0]]
        return False


def guard_mailed_links(app: Flask) -> None:
    """Make mailed links show a button first; check invitations at sign-up."""
    views = app.view_functions
    if "security.confirm_email" in views:
        views["security.confirm_email"] = _by_button(views["security.confirm_email"])
    endpoint = "security.change_email_confirm"
    if endpoint in views:
        views[endpoint] = _by_button(_unless_taken(views[endpoint]))
        prefix = app.config["SECURITY_CHANGE_EMAIL_URL"]
        app.add_url_rule(f"{prefix}/<token>", endpoint=endpoint, methods=["POST"])
    if "security.register" in views:
        views["security.register"] = _by_invitation(views["security.register"])


def _by_button(view: FlaskView) -> FlaskView:
    def guarded(token: str) -> ResponseReturnValue:
        if request.method == "POST":
            confirmed: ResponseReturnValue = view(token=token)
            return confirmed
        return render_template("security/confirm_link.html")

    return guarded


def _unless_taken(view: FlaskView) -> FlaskView:
    """Give the same answer as the view does if the address was taken only a moment ago."""

    def guarded(token: str) -> ResponseReturnValue:
        try:
            page: ResponseReturnValue = view(token=token)
        except EmailTaken:
            do_flash(*get_message("API_ERROR"))
            return redirect(url_for("security.change_email"))
        return page

    return guarded


def _by_invitation(view: FlaskView) -> FlaskView:
    def guarded() -> ResponseReturnValue:
        if services().settings.sign_up is SignUp.INVITATION:
            invitation = request.values.get("invitation", "")
            # The e-mail address is known only when the form comes; before, any valid one counts.
            email = request.form.get("email") if request.method == "POST" else None
            if not is_invited(services().settings.secret_key, invitation, email):
                abort(403)
        page: ResponseReturnValue = view()
        return page

    return guarded
