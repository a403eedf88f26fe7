"""The languages of pages and mails; every language but English has a translation catalogue."""

import gettext
from collections.abc import Callable
from pathlib import Path

LANGUAGES = {"en": "English", "es": "Español", "ar": "العربية"}
"""Language code -> name of the language in that language."""

TRANSLATIONS = Path(__file__).parent / "web" / "translations"


def translator(language: str | None) -> Callable[[str], str]:
    """Give a function that translates English texts into `language`; it needs no request."""
    wanted = [language] if language in LANGUAGES else []
    return gettext.translation("messages", TRANSLATIONS, wanted, fallback=True).gettext
