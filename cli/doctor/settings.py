"""Checks of the settings: values that cannot be used, and unknown settings."""

from collections.abc import Iterator
from dataclasses import dataclass

from cli.doctor.finding import Finding
from cli.state import State
from registry.settings import RegistrySettings
from registry.settings import read_settings as read_registry_settings
from smartdns.contract.configuration import PREFIX, Configuration, SettingError
from smartdns.settings import DataPlaneSettings
from smartdns.settings import read_settings as read_data_plane_settings


@dataclass(frozen=True)
class Settings:
    """All settings of an installation."""

    configuration: Configuration
    data_plane: DataPlaneSettings
    registry: RegistrySettings


def read(state: State) -> Settings | Finding:
    """Read the settings of both planes, or give a finding about the wrong one."""
    try:
        configuration = state.configuration()
        return Settings(
            configuration,
            read_data_plane_settings(configuration),
            read_registry_settings(configuration),
        )
    except SettingError as error:
        return Finding("setting-wrong", str(error), "Correct it, then run the doctor again.")


def check(settings: Settings) -> Iterator[Finding]:
    """Find settings that do not exist."""
    for name in settings.configuration.unknown():
        yield Finding(
            "setting-unknown",
            f"{PREFIX}{name.upper()} is not a setting, so it has no effect",
            "Look for the right name in docs/operations.md.",
        )
