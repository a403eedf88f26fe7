"""The exceptions that are for people: the text is one line that says what to do."""

import sys

FOR_PEOPLE = (
    ("cli.run.apart", "FailedApartError"),
    ("smartdns.build", "StaleBuildError"),
    ("smartdns.contract.configuration", "SettingError"),
    ("smartdns.process.sockets", "ListenError"),
    ("zones.load", "CatalogError"),
    ("registry.database.engine", "DatabaseUnready"),
    ("registry.actions.errors", "ActionRefused"),
)


def is_for_people(error: Exception) -> bool:
    """Say whether an exception is for people. This imports nothing: its module is loaded."""
    return any(
        isinstance(error, getattr(sys.modules.get(module), name, ())) for module, name in FOR_PEOPLE
    )
