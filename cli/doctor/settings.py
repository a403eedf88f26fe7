"""Settings: one that cannot be used, one that nobody knows."""

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
    """All of an installation's settings, typed."""

    configuration: Configuration
    data_plane: DataPlaneSettings
    registry: RegistrySettings


def read(state: State) -> Settings | Finding:
    """Read both planes' settings, or say which one is wrong."""
    try:
        configuration = state.configuration()
        return Settings(
            configuration,
            read_data_plane_settings(configuration),
            read_registry_settings(configuration),
        )
    except SettingError as error:
        return Finding("setting-wrong", str(error), "Change it and look again.")


def check(settings: Settings) -> Iterator[Finding]:
    """Name what was given and nobody reads."""
    for name in settings.configuration.unknown():
        yield Finding(
            "setting-unknown",
            f"{PREFIX}{name.upper()} is no setting, so it does nothing",
            "Look for its name in docs/operations.md.",
        )
