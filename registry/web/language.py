"""In which language a page speaks: the visitor's choice, else the browser's, else English."""

from urllib.parse import quote

from flask import Blueprint, Flask, redirect, request, session, url_for
from flask_babel import Babel, get_locale
from flask_login import current_user
from werkzeug.wrappers import Response

from registry.actions.preferences import set_language
from registry.languages import LANGUAGES
from registry.web.parts import parts, visitor

language = Blueprint("language", __name__)


@language.post("/language")
def choose() -> Response:
    """Keep the choice in the browser's own session, and with the account for our mails."""
    if (code := request.form.get("language")) in LANGUAGES:
        session["language"] = code
        if current_user.is_authenticated:
            with parts().sessions.begin() as writing:
                set_language(writing, visitor().id, code)
    path = request.form.get("next", "")
    # Browsers drop tabs and take "\" for "/", so "/\elsewhere" would lead to another site, too.
    inside = path.startswith("/") and not path.startswith("//") and path == quote(path)
    return redirect(path if inside else url_for("dns_settings.show"))


def speak_languages(app: Flask) -> None:
    """Translate what `app` says."""
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
