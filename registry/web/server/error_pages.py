"""Error pages: short, polite, and without anything about the request."""

import logging

from flask import Flask, abort, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException

from registry.faults import place_of
from registry.languages import LANGUAGES
from registry.web.arriving.parameters import refuse_unreadable
from registry.web.arriving.sender import refusal
from registry.web.sign_in.visitors import assume_nobody_signed_in

_CODES = {400, 401, 403, 404, 405, 413, 415, 421, 429, 500, 503}
_log = logging.getLogger(__name__)


def add_error_pages(app: Flask) -> None:
    """Answer every error with one of our pages."""
    app.before_request(_refuse)
    app.before_request(refuse_unreadable)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(CSRFError, _forgery)
    for kind in (OperationalError, InterfaceError, PoolTimeoutError):
        app.register_error_handler(kind, _database_away)
    app.register_error_handler(Exception, _fault)


def busy_pages(app: Flask) -> dict[str, bytes]:
    """Give language -> the page with 503, for requests that do not reach the application."""

    def page(language: str) -> bytes:
        with app.test_request_context(headers={"Accept-Language": language}):
            return _page(503)[0].encode()

    return {language: page(language) for language in LANGUAGES}


def _refuse() -> None:
    """Refuse a request with an unknown sender or host, and a form that another site sends."""
    if (reason := refusal()) is not None:
        abort(400, reason)
    # Because of `no-referrer`, browsers send no Referer and a null Origin.
    cross = request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}
    if cross and request.method not in {"GET", "HEAD", "OPTIONS"}:
        abort(403)


def _http_error(error: HTTPException) -> tuple[str, int] | HTTPException:
    code = error.code or 500
    if code < 400:
        return error  # a redirection
    reason = error.description if code == 400 and refusal() is not None else None
    return _page(code if code in _CODES else 400, reason)


def _forgery(_error: CSRFError) -> tuple[str, int]:
    return _page(400, _("The page was open for too long, or your browser does not store cookies."))


def _database_away(error: Exception) -> tuple[str, int]:
    _note(error)
    return _page(503)


def _fault(error: Exception) -> tuple[str, int]:
    _note(error)
    return _page(500)


def _note(error: Exception) -> None:
    """Log the kind of error and the line of code, but nothing about the request."""
    _log.error("a page failed: %s at %s", type(error).__name__, place_of(error))


def _page(code: int, reason: str | None = None) -> tuple[str, int]:
    titles = {
        400: _("That did not work"),
        403: _("That is not allowed"),
        404: _("There is no such page"),
        405: _("There is no such page"),
        413: _("You sent too much"),
        429: _("Too many attempts"),
        500: _("Something went wrong on our side"),
        503: _("We will be back in a moment"),
    }
    advice = {
        400: _("Please go back, reload the page and try again."),
        403: _("Please open our page first, and use its buttons."),
        404: _("The address may be mistyped, or the link may be too old."),
        405: _("The address may be mistyped, or the link may be too old."),
        413: _("Please go back and send less."),
        429: _("Please wait a few minutes, then try again."),
        500: _("Nothing was changed. Please try again. If it fails again, tell the operator."),
        503: _("Nothing was changed, and your devices still work. Please try again shortly."),
    }
    # Templates are given the visitor, and looking one up may be what has failed.
    assume_nobody_signed_in()
    page = render_template(
        "error.html",
        title=titles.get(code, titles[400]),
        advice=advice.get(code, advice[400]),
        reason=reason,
    )
    return page, code
