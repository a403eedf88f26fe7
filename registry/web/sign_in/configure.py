"""Setting up Flask-Security for signing in and out, and for everything about passwords."""

import datetime
from typing import Any

from flask import Flask, redirect, request, url_for
from flask_babel import get_locale
from flask_login import user_logged_in, user_logged_out
from flask_security import Security, password_reset
from werkzeug.wrappers import Response

from registry.actions.preferences import set_language
from registry.languages import TRANSLATIONS
from registry.settings import SignUp
from registry.web.services import Services
from registry.web.sign_in.known_browsers import remember_browser
from registry.web.sign_in.mailed_links import ChangeEmailWithPassword, guard_mailed_links
from registry.web.sign_in.new_passwords import ChangePassword, NewPasswords
from registry.web.sign_in.security_mail import SecurityMail
from registry.web.sign_in.visitors import Visitor, Visitors, assume_nobody_signed_in
from registry.web.sign_in.words import messages, subjects


def configure_sign_in(app: Flask, services: Services) -> None:
    """Add sign-in to `app`, and with a mailer also sign-up, confirmation and password reset."""
    mail = services.mailer is not None
    app.config.update(_security_settings(mail=mail))
    app.config["MAILER"] = services.mailer
    app.config.update(messages() | subjects())
    app.config["SECURITY_REGISTERABLE"] = mail and services.settings.sign_up is not SignUp.CLOSED
    app.before_request(_skip_static_files)  # before Flask-Security looks up the visitor
    visitors = Visitors(services.sessions, services.readers)
    security = Security(
        app,
        visitors,
        mail_util_cls=SecurityMail,
        password_util_cls=NewPasswords,
        change_email_form=ChangeEmailWithPassword,
        change_password_form=ChangePassword,
    )
    security.unauthn_handler(_to_sign_in)
    security.want_json(lambda _request: False)  # pages only, no JSON interface
    manager = app.login_manager  # type: ignore[attr-defined]
    manager.user_loader(visitors.load)
    manager.request_loader(lambda _request: None)  # no tokens in headers or parameters
    manager.session_protection = None
    # The inherited function puts a hash of address and user agent into the cookie.
    manager._session_identifier_generator = lambda: ""  # noqa: SLF001

    def begin(_app: Flask, user: Visitor, **_: object) -> None:
        visitors.begin_session(user)
        remember_browser(user.id)
        language = str(get_locale())
        if user.language != language:
            with services.sessions.begin() as writing:
                set_language(writing, user.id, language)

    def end(_app: Flask, **_: object) -> None:
        visitors.end_session()

    def proved(_app: Flask, user: Visitor, **_: object) -> None:
        remember_browser(user.id)  # it has opened a link that was mailed to the owner

    guard_mailed_links(app)
    password_reset.connect(proved, app, weak=False)
    user_logged_in.connect(begin, app, weak=False)
    user_logged_out.connect(end, app, weak=False)


def _skip_static_files() -> None:
    if request.endpoint == "static":
        assume_nobody_signed_in()


def _to_sign_in(_mechanisms: object, headers: object = None) -> Response:  # noqa: ARG001
    """Redirect to the sign-in form, which leads back to the page; show no error."""
    inside = request.method == "GET" and request.path != "/"
    return redirect(url_for("security.login", next=request.path if inside else None))


def _security_settings(*, mail: bool) -> dict[str, Any]:
    names = {
        "LOGIN_URL": "/sign-in",
        "LOGOUT_URL": "/sign-out",
        "REGISTER_URL": "/sign-up",
        "RESET_URL": "/forgot",
        "CHANGE_URL": "/account/password",
        "CONFIRM_URL": "/confirm",
        "CHANGE_EMAIL_URL": "/account/email",
        "VERIFY_URL": "/sign-in/again",
        "POST_LOGOUT_VIEW": "/sign-in",
        "POST_REGISTER_VIEW": "/sign-in",
        "POST_CONFIRM_VIEW": "/sign-in",
        "POST_CHANGE_VIEW": "/account",
        "POST_CHANGE_EMAIL_VIEW": "/account",
        "STATIC_FOLDER": None,
        "CHANGEABLE": True,
        "RECOVERABLE": mail,
        "CONFIRMABLE": mail,
        "CHANGE_EMAIL": mail,
        "SEND_PASSWORD_CHANGE_EMAIL": mail,
        "EMAIL_HTML": False,
        "RETURN_GENERIC_RESPONSES": True,
        "TRACKABLE": False,
        "JOIN_USER_ROLES": False,
        "API_ENABLED_METHODS": ["session"],
        "DEFAULT_REMEMBER_ME": False,
        "AUTO_LOGIN_AFTER_CONFIRM": False,
        "AUTO_LOGIN_AFTER_RESET": False,
        "RESET_PASSWORD_WITHIN": datetime.timedelta(hours=1),
        "CONFIRM_EMAIL_WITHIN": datetime.timedelta(days=3),
        "CHANGE_EMAIL_WITHIN": datetime.timedelta(hours=1),
        # Forms that need the password again have a field for it.
        "FRESHNESS": datetime.timedelta(minutes=-1),
        "USE_REGISTER_V2": True,
        # Hashed once: with Flask-Security's HMAC the hashes would depend on a setting.
        "PASSWORD_HASH": "argon2",
        "PASSWORD_SCHEMES": ["argon2"],
        "PASSWORD_SINGLE_HASH": {"argon2"},
        "PASSWORD_SALT": "unused with a single hash",
        "EMAIL_VALIDATOR_ARGS": {"check_deliverability": False},
        "PASSWORD_CONFIRM_REQUIRED": False,  # a mistyped password can be reset by mail
        "I18N_DOMAIN": "messages",
        "I18N_DIRNAME": str(TRANSLATIONS),
    }
    return {f"SECURITY_{name}": value for name, value in names.items()}
