"""Which exceptions are meant for people: their text is one clear line that says what to do."""

import sys

FOR_PEOPLE = (
    ("smartdns.build", "StaleBuildError"),
    ("smartdns.contract.configuration", "SettingError"),
    ("smartdns.process.sockets", "ListenError"),
    ("zones.load", "CatalogError"),
    ("registry.database.engine", "DatabaseUnready"),
    ("registry.actions.errors", "ActionRefused"),
)


def is_for_people(error: Exception) -> bool:
    """Say so without importing anything: who raised it has its module loaded."""
    return any(
        isinstance(error, getattr(sys.modules.get(module), name, ())) for module, name in FOR_PEOPLE
    )
