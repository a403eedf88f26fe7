"""Checks of the database: whether it can be opened, and its schema."""

from collections.abc import Iterator

from cli.doctor.finding import Finding
from cli.doctor.settings import Settings
from cli.registry_access import require_database_file
from registry.database.engine import DatabaseUnready, make_engine
from registry.database.schema import schema_is_current


def check(settings: Settings) -> Iterator[Finding]:
    """Run every check of this file."""
    try:
        require_database_file(settings.registry)
        engine = make_engine(settings.registry.database_url)
        try:
            current = schema_is_current(engine)
        finally:
            engine.dispose()
    except DatabaseUnready as error:
        yield Finding(
            "database-unreachable",
            str(error),
            "Until the database can be opened, the pages answer with 503.",
        )
        return
    if not current:
        yield Finding(
            "schema-old",
            "the database's schema is older than this version",
            "mediastreamer database upgrade",
        )
