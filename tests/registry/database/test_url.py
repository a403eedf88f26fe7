"""URLs of databases, as a setting."""

import pytest

from registry.database.engine import parse_url
from registry.database.url import check_url


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///relative.sqlite",
        "sqlite:////var/lib/registry.sqlite",
        "postgres://user:p%40ss@host/name",
        "postgresql://host:5432/name",
        "postgresql+psycopg://user@/name?host=/run/postgresql",
    ],
)
def test_what_can_be_opened_is_taken(url: str) -> None:
    """By the check and by SQLAlchemy alike."""
    check_url(url)
    parse_url(url)


@pytest.mark.parametrize(
    "url", ["", "registry.sqlite", "sqlite://", "sqlite:///", "mysql://host/name", "postgresql:x",
            "postgresql://host:port/name", "://host"],
)  # fmt: skip
def test_anything_else_is_refused_without_repeating_it(url: str) -> None:
    """The text may hold a password."""
    for check in (check_url, parse_url):
        with pytest.raises(
            ValueError, match=r"^takes sqlite:///PATH or postgresql://USER@HOST/NAME$"
        ):
            check(url)
