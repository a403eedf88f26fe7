"""The state folder: what one installation keeps on this machine, and the settings that follow.

    mediastreamer.toml   settings by the operator's hand (MEDIASTREAMER_CONFIG names another)
    up.toml              settings that `mediastreamer up` chose when it last started
    registry.sqlite      the database, where no DATABASE_URL is given
    secret-key, cookie-secret    made at first start, where not given
    sign-in              e-mail and password of the first account
    control, lock        of the running `up`

Of two that name the same setting the environment wins, then mediastreamer.toml, then up.toml.
"""

import json
import os
import secrets
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from smartdns.contract.configuration import (
    FILE_NAME,
    PREFIX,
    Configuration,
    SettingError,
    load_configuration,
)

F = TypeVar("F", bound=Callable[..., Any])

SECRETS = {"secret_key": 32, "cookie_secret": 16}
"""Name and octets; written as hexadecimal digits."""

OF_THE_REGISTRY_ONLY = frozenset({"database_url", "secret_key", "mail_url", "web_key"})
"""Settings that no process of the data plane gets to see."""
NOT_SETTINGS = frozenset({"state"})


@dataclass(frozen=True)
class State:
    """One installation's folder."""

    folder: Path

    def configuration(self, environment: Mapping[str, str] = os.environ) -> Configuration:
        """Give all settings of this installation; makes nothing."""
        given = self.given(environment)
        return Configuration({**self.defaults(), **self._chosen_by_up(), **given})

    def given(self, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Give the settings that somebody made by hand."""
        by_hand = self.folder / FILE_NAME
        file = by_hand if f"{PREFIX}CONFIG" not in environment and by_hand.exists() else None
        texts = load_configuration(environment, file).texts
        return {name: text for name, text in texts.items() if name not in NOT_SETTINGS}

    def defaults(self) -> dict[str, str]:
        """Give the settings that follow from the folder alone."""
        texts = {
            "database_url": f"sqlite:///{self.folder / 'registry.sqlite'}",
            "redis_url": f"unix://{self.folder / 'redis' / 'redis.sock'}",
        }
        for name in SECRETS:
            file = self.folder / name.replace("_", "-")
            if file.exists():
                texts[name] = file.read_text(encoding="ascii").strip()
        return texts

    def _chosen_by_up(self) -> dict[str, str]:
        try:
            return tomllib.loads((self.folder / "up.toml").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise SettingError(f"{self.folder / 'up.toml'}: {type(error).__name__}") from None

    def prepare(self, *names: str) -> None:
        """Make the folder (0700) and the named secrets (0600), by default all, if not there yet."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in names or SECRETS:
                file = self.folder / name.replace("_", "-")
                if not file.exists():
                    self.write(file.name, secrets.token_hex(SECRETS[name]))
        except OSError as error:
            raise click.ClickException(
                f"the state folder {self.folder} cannot be used ({error.strerror}); "
                "name another with --state DIR"
            ) from None

    def write(self, name: str, text: str) -> Path:
        """Write a file for the owner's eyes only, whole or not at all."""
        file = self.folder / name
        aside = self.folder / f".{name}.{os.getpid()}"
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        aside.replace(file)
        return file

    def remember(self, settings: Mapping[str, str]) -> None:
        """Keep what `up` chose, for the commands that talk about the same installation."""
        # A JSON text is a TOML text too.
        lines = [f"{name} = {json.dumps(text)}\n" for name, text in sorted(settings.items())]
        self.write("up.toml", "".join(lines))


def data_plane_environment(configuration: Configuration) -> dict[str, str]:
    """Variables for a resolver or a relay: everything but what is the registry's alone."""
    return {
        f"{PREFIX}{name.upper()}": text
        for name, text in configuration.texts.items()
        if name not in OF_THE_REGISTRY_ONLY
    }


def registry_environment(configuration: Configuration) -> dict[str, str]:
    """Variables for the registry."""
    return {f"{PREFIX}{name.upper()}": text for name, text in configuration.texts.items()}


def without_password(url: str) -> str:
    """Give a URL as it may be shown."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def default_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """`$XDG_STATE_HOME/mediastreamer`, and where that is not set what XDG says it stands for."""
    base = environment.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "mediastreamer"


def state_option(command: F) -> F:
    """Give a command `--state DIR`; it is called with `state: State`."""
    return click.option(
        "--state",
        metavar="DIR",
        envvar=f"{PREFIX}STATE",
        type=click.Path(file_okay=False, path_type=Path),
        default=default_folder,
        callback=lambda _context, _parameter, folder: State(folder.absolute()),
        help="Folder of the installation [default: $XDG_STATE_HOME/mediastreamer].",
    )(command)


def json_option(command: F) -> F:
    """Give a command that reports `--json`; it is called with `as_json: bool`."""
    return click.option("--json", "as_json", is_flag=True, help="Report as JSON.")(command)
