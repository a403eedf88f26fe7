"""The state folder of one installation on this machine, and its settings.

    mediastreamer.toml   settings that the operator writes (MEDIASTREAMER_CONFIG: another file)
    up.toml              settings that `mediastreamer up` chose when it last started
    registry.sqlite      the database, if there is no DATABASE_URL
    secret-key, cookie-secret    created at the first start, if they are not set
    sign-in              e-mail address and password of the first account
    control, lock        files of the running `up`

If a setting is set more than once, the environment counts first, then mediastreamer.toml, then
up.toml.
"""

import contextlib
import json
import os
import secrets
import tomllib
from collections.abc import Callable, Iterator, Mapping
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

email_argument = click.argument("email", metavar="EMAIL")
F = TypeVar("F", bound=Callable[..., Any])

SECRETS = {"secret_key": 32, "cookie_secret": 16}
"""Name of the setting -> number of random octets; the file has them in hexadecimal."""

NEEDED_BY = {
    **dict.fromkeys(("database_url", "secret_key", "mail_url", "web_key"), "registry"),
    **dict.fromkeys(("cookie_secret", "dns_key", "dns_certificate"), "resolver"),
    "relay_exits": "relay",
}
"""Setting that is a secret, leads to one or may contain one -> the only role that receives it.

The resolver's certificate is public, but without its key it is half of a setting, and refused.
"""
NOT_SETTINGS = frozenset({"state"})


@dataclass(frozen=True)
class State:
    """One installation's folder."""

    folder: Path

    def configuration(self, environment: Mapping[str, str] = os.environ) -> Configuration:
        """Give all settings of this installation; creates nothing."""
        given = self.given(environment)
        return Configuration({**self.defaults(), **self._chosen_by_up(), **given})

    def given(self, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Give the settings that the operator has set."""
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
        """Create the folder (0700) and the secrets (0600) with these names, by default all."""
        self.make_folder()
        with self._one_line_errors():
            for name in names or SECRETS:
                file = self.folder / name.replace("_", "-")
                if not file.exists():
                    self.write(file.name, secrets.token_hex(SECRETS[name]))

    def make_folder(self) -> None:
        """Create the folder (0700) if it does not exist; for a role without a secret."""
        with self._one_line_errors():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextlib.contextmanager
    def _one_line_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise click.ClickException(
                f"the state folder {self.folder} cannot be used ({error.strerror}); "
                "choose another folder with --state DIR"
            ) from None

    def write(self, name: str, text: str) -> Path:
        """Write a file (0600) completely or not at all."""
        file = self.folder / name
        temporary = self.folder / f".{name}.{os.getpid()}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        temporary.replace(file)
        return file

    def remember(self, settings: Mapping[str, str]) -> None:
        """Store what `up` chose, for other commands on the same installation."""
        # A JSON string is also a TOML string.
        lines = [f"{name} = {json.dumps(text)}\n" for name, text in sorted(settings.items())]
        self.write("up.toml", "".join(lines))


def settings_of(role: str, configuration: Configuration) -> dict[str, str]:
    """Give what a role's workers are told: all settings but the secrets of other roles."""
    return {
        name: text
        for name, text in configuration.texts.items()
        if NEEDED_BY.get(name, role) == role
    }


def without_password(url: str) -> str:
    """Give a URL without user and password, so that it can be shown."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def default_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Give `$XDG_STATE_HOME/mediastreamer`, or `~/.local/state/mediastreamer`."""
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
