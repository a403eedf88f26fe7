"""What `up` has prepared before it starts anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.run.listening import SetsOfSockets
from registry.settings import RegistrySettings
from smartdns.contract.configuration import Configuration
from smartdns.settings import DataPlaneSettings


@dataclass(frozen=True)
class Installation:
    """The settings, the bound sockets, and whether to start a Redis."""

    configuration: Configuration
    data_plane: DataPlaneSettings
    registry: RegistrySettings
    sockets: Mapping[str, SetsOfSockets]
    redis: tuple[str, Path] | None
    """Program and folder of the Redis to start; None: the settings name one."""
