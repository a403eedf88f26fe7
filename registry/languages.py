"""The languages that pages and mails speak; each but English has a catalogue of translations."""

import gettext
from collections.abc import Callable
from pathlib import Path

LANGUAGES = {"en": "English", "es": "Español", "ar": "العربية"}
"""Code -> its own name."""

TRANSLATIONS = Path(__file__).parent / "web" / "translations"


def translator(language: str | None) -> Callable[[str], str]:
    """Give what turns an English text into one of `language`, apart from any request."""
    wanted = [language] if language in LANGUAGES else []
    return gettext.translation("messages", TRANSLATIONS, wanted, fallback=True).gettext
