"""What `up` has prepared before it starts anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.run.listening import SetsOfSockets
from registry.settings import RegistrySettings
from smartdns.contract.configuration import Configuration
from smartdns.settings import DataPlaneSettings

OWNER = "owner@example.com"
"""E-mail address of the first account."""
SIGN_IN = "sign-in"
"""File in the state folder: e-mail address and password of the first account."""


@dataclass(frozen=True)
class Installation:
    """The settings, the bound sockets, and whether to start a Redis."""

    configuration: Configuration
    data_plane: DataPlaneSettings
    registry: RegistrySettings
    sockets: Mapping[str, SetsOfSockets]
    redis: tuple[str, Path] | None
    """Program and folder of the Redis to start; None: the settings name one."""
