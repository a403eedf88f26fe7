"""What names a database: read without loading what opens it, since a supervisor only checks it."""

from urllib.parse import urlsplit

DRIVERS = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
"""Scheme of a URL -> SQLAlchemy's name of dialect and driver."""


def check_url(given: str) -> None:
    """Take sqlite:///PATH or postgresql://…, or raise ValueError without repeating the text."""
    try:
        parts = urlsplit(given)
        _ = parts.port
    except ValueError:
        raise wrong_url() from None
    has_path = parts.path not in {"", "/"}
    if parts.scheme not in DRIVERS or (parts.scheme == "sqlite" and (parts.netloc or not has_path)):
        raise wrong_url()
    if f"{parts.scheme}://" != given[: len(parts.scheme) + 3].lower():
        raise wrong_url()


def wrong_url() -> ValueError:
    """Give the error about a URL that names no database."""
    return ValueError("takes sqlite:///PATH or postgresql://USER@HOST/NAME")
