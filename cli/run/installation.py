"""What `up` decided before it starts anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.run.listening import SetsOfSockets
from registry.settings import RegistrySettings
from smartdns.contract.configuration import Configuration
from smartdns.settings import DataPlaneSettings


@dataclass(frozen=True)
class Installation:
    """Settings, sockets already bound, and perhaps a Redis to start."""

    configuration: Configuration
    data_plane: DataPlaneSettings
    registry: RegistrySettings
    sockets: Mapping[str, SetsOfSockets]
    redis: tuple[str, Path] | None
    """Server and folder of a Redis of our own; None: one is configured."""
