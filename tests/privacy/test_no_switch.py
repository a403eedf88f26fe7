"""There is no switch for logging more: of all settings, options and variables none is one."""

import dataclasses
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cli.main import COMMANDS, mediastreamer
from registry.settings import RegistrySettings
from smartdns.settings import DataPlaneSettings
from smartdns.telemetry import gate
from tests.privacy.readers import PACKAGES

ROOT = Path(__file__).parents[2]
_TELLS = re.compile(
    r"(?<![a-z])(log(s|ged|ger|ging|file|_?level)?|debug|verbos\w*|trac(e|ing)|dump|record(s|ing)?|"
    r"history|keep|retain|retention|sample|capture|pcap|syslog|journal|dnstap|analytics|"
    r"statistics|stats|report_to|tee)(?![a-z])"
)
WRITTEN_TO = {
    "account import FILE": "is read",
    "database backup FILE": "the database, when an operator asks for it",
    "database restore FILE": "is read",
    "privacy audit SEARCH": "is read",
    "up ZONES": "are read",
    "zones check DIRECTORIES": "are read",
    "zones explain DIRECTORIES": "are read",
    "zones list DIRECTORIES": "are read",
    "zones import FILE": "is read",
    "zones import OUTPUT": "services, not use",
}
"""Every file that an option names, and what happens to it; the state folder beside them."""
READ_FROM_FILES = {
    *("dns_certificate", "dns_key", "web_certificate", "web_key", "zones", "known_networks"),
}
"""Every setting that names a file or folder; all are only read."""
ENVIRONMENT = {
    "cli/audit/surroundings.py": "where a shell keeps its history, for the audit",
    "cli/run/privileges.py": "HOME, once the user is another",
    "cli/state.py": "our settings, XDG_STATE_HOME",
    "smartdns/contract/configuration.py": "our settings",
    "smartdns/process/sockets.py": "LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES",
    "smartdns/process/template.py": "handed on to workers, but for our settings",
}
"""Every module that reads variables, and which."""


def settings() -> Iterator[dataclasses.Field[object]]:
    """Give every setting there is."""
    for plane in (DataPlaneSettings, RegistrySettings):
        yield from dataclasses.fields(plane)


def parameters(
    command: click.Command = mediastreamer, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Parameter]]:
    """Give every option and argument of every command, hidden ones included."""
    for parameter in command.params:
        yield " ".join((*path, (parameter.name or "").upper())), parameter
    if isinstance(command, click.Group):
        context = click.Context(command)
        names = COMMANDS if command is mediastreamer else command.list_commands(context)
        for name in names:
            below = command.get_command(context, name)
            assert below is not None
            yield from parameters(below, (*path, name))


def switches(names: list[str]) -> list[str]:
    """Give those of the names that say that something is kept or told."""
    return [name for name in names if _TELLS.search(name.lower().replace("_", " "))]


def test_no_setting_and_no_option_is_for_logging() -> None:
    """Not one of them is named, and no option explained, as what keeps or tells more."""
    named = [field.name for field in settings()]
    options = dict(parameters())
    assert len(named) > 50
    assert len(options) > 90
    texts = [str(getattr(each, "help", "") or "") for each in options.values()]
    assert switches([*named, *options]) == []
    assert switches(texts) == []


@pytest.mark.parametrize(
    "name", ["query_log", "up LOG_LEVEL", "DEBUG", "resolver VERBOSE", "dnstap", "trace_queries"]
)
def test_a_switch_would_be_found_out(name: str) -> None:
    """The check above can fail."""
    assert switches([name]) == [name]


def test_no_command_and_no_setting_names_a_file_for_it() -> None:
    """Every file that can be named is listed, with what happens to it."""
    kinds = (click.Path, click.File)
    files = {path for path, each in parameters() if isinstance(each.type, kinds)}
    assert {each for each in files if not each.endswith(" STATE")} == set(WRITTEN_TO)
    assert {each.name for each in settings() if "Path" in str(each.type)} == READ_FROM_FILES


def test_no_variable_is_read_but_those_listed() -> None:
    """Whatever is in the environment, nobody looks for a switch there."""
    reading = {
        str(file.relative_to(ROOT))
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        if re.search(r"\bos\.(environ|getenv)\b|\bgetenv\(", file.read_text(encoding="utf-8"))
    }
    assert reading == set(ENVIRONMENT)


def test_the_gate_takes_no_word_of_anybody() -> None:
    """It is closed the same way always: no parameter, no setting, no variable."""
    assert not inspect.signature(gate.close_gate).parameters
    for word in ("environ", "getenv", "argv", "contract", "open("):
        assert word not in inspect.getsource(gate)


_LOUD = {
    "PYTHONDEVMODE": "1",
    "PYTHONASYNCIODEBUG": "1",
    "PYTHONFAULTHANDLER": "1",
    "PYTHONWARNINGS": "always",
    "PYTHONINSPECT": "",
    "FLASK_DEBUG": "1",
    "WERKZEUG_DEBUG": "1",
    "REDIS_DEBUG": "1",
    "LOGLEVEL": "DEBUG",
    "LOG_LEVEL": "DEBUG",
    "DEBUG": "1",
    "MEDIASTREAMER_DEBUG": "1",
    "MEDIASTREAMER_LOG_LEVEL": "debug",
}
_SPEAKING = """
import asyncio, logging, warnings
from smartdns.process.event_loop import install_reactor
install_reactor()
from twisted.logger import Logger
from twisted.python import log
from smartdns.telemetry.gate import close_gate
close_gate()
for level in range(0, 60, 10):
    for name in (None, "asyncio", "redis", "sqlalchemy.engine", "flask.app", "werkzeug", "dns"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.DEBUG)
        logger.log(level, "asked for %s", CANARY)
for speak in ("debug", "info", "warn", "error", "critical"):
    getattr(Logger(), speak)("asked for {name}", name=CANARY)
log.msg("asked for " + CANARY)
log.err(ValueError(CANARY))
warnings.warn(CANARY, ResourceWarning, stacklevel=1)
loop = asyncio.new_event_loop()
loop.call_exception_handler({"message": CANARY, "exception": ValueError(CANARY)})
"""


@pytest.mark.processes
def test_no_variable_and_no_level_opens_the_gate() -> None:
    """Every debug mode of Python and the libraries switched on, at every level: not a word."""
    canary = "who-asked-for-this.example"
    ran = subprocess.run(
        [sys.executable, "-X", "dev", "-c", _SPEAKING.replace("CANARY", repr(canary))],
        env={**os.environ, **_LOUD}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    said = ran.stdout + ran.stderr
    assert canary not in said
    assert "asked for" not in said
    assert " at " in said, "it spoke, and of kinds and places only"
    assert ran.returncode == 0


@pytest.mark.processes
def test_a_switch_that_somebody_hopes_for_is_named_as_none(tmp_path: Path) -> None:
    """A variable with our prefix that we do not know stops the start, and is not passed over."""
    environment = {**os.environ, "MEDIASTREAMER_QUERY_LOG": "1"}
    command = [sys.executable, "-m", "cli.main", "up", "--state", str(tmp_path)]
    ran = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.returncode != 0
    assert "MEDIASTREAMER_QUERY_LOG" in ran.stderr
