"""The language of a page: the visitor's choice, else the browser's preference, else English."""

from urllib.parse import quote

from flask import Blueprint, Flask, redirect, request, session, url_for
from flask_babel import Babel, get_locale
from flask_login import current_user
from werkzeug.wrappers import Response

from registry.actions.preferences import set_language
from registry.languages import LANGUAGES
from registry.web.services import services
from registry.web.sign_in.visitors import visitor

language = Blueprint("language", __name__)


@language.post("/language")
def choose() -> Response:
    """Store the choice in the browser's session and, for mails, in the account."""
    if (code := request.form.get("language")) in LANGUAGES:
        session["language"] = code
        if current_user.is_authenticated:
            with services().sessions.begin() as writing:
                set_language(writing, visitor().id, code)
    path = request.form.get("next", "")
    # Browsers remove tabs and treat "\" as "/", so "/\elsewhere" would lead to another site.
    inside = path.startswith("/") and not path.startswith("//") and path == quote(path)
    return redirect(path if inside else url_for("dns_settings.show"))


def speak_languages(app: Flask) -> None:
    """Translate the pages of `app`."""
    Babel(app, locale_selector=_choose)
    app.register_blueprint(language)

    @app.context_processor
    def _language() -> dict[str, object]:
        locale = get_locale()
        return {
            "language": str(locale),
            "direction": locale.text_direction,
            "languages": LANGUAGES,
        }


def _choose() -> str:
    chosen = session.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    return request.accept_languages.best_match(LANGUAGES) or "en"
