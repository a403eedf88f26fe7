"""The one way out for anything that this process has to say.

After `close_gate` whatever Python, Twisted, asyncio or a library wants to log, warn of or die
of is reduced to a line of its kind and its place in the code, and each such line is written
once. What a message, an exception or a traceback says may hold a name or an address of
somebody; which line of code it came from does not.
"""

import faulthandler
import logging
import sys
import threading
import warnings
from collections.abc import Mapping
from pathlib import PurePath
from types import TracebackType
from typing import Any, TextIO

from twisted.logger import ILogObserver, LogLevel, globalLogBeginner, globalLogPublisher
from zope.interface import implementer

_ExcInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None] | None

_MOST_LINES = 1_000
_said: set[str] = set()


def close_gate() -> None:
    """Reduce all output but `say`; the first call of every process that lives on."""
    faulthandler.disable()  # its traces go to a file of somebody's choice
    _reduce_python_logging()
    _reduce_twisted_log()
    sys.excepthook = _excepthook
    threading.excepthook = _thread_excepthook
    sys.unraisablehook = _unraisablehook
    warnings.showwarning = _showwarning  # after Twisted's log, which sets its own


def say(text: str) -> None:
    """Write a line of our own to standard error: fixed words and settings, never data."""
    _write(sys.stderr, f"{text}\n")


def event_line(kind: str, place: str) -> str:
    """Give the line that stands for an event: what kind it was and where in the code."""
    return f"{kind} at {place}"


def place_of(traceback: TracebackType | None) -> str:
    """Give the innermost line of code of a traceback, as folder/file.py:line."""
    if traceback is None:
        return "unknown"
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return _place(traceback.tb_frame.f_code.co_filename, traceback.tb_lineno)


def _place(file: str, line: int | None) -> str:
    return f"{'/'.join(PurePath(file).parts[-2:])}:{line}"


def _emit(kind: str, place: str) -> None:
    line = event_line(kind, place)
    if line not in _said and len(_said) < _MOST_LINES:
        _said.add(line)
        say(line)


def _write(stream: TextIO | None, text: str) -> None:
    try:
        if stream is not None:
            stream.write(text)
            stream.flush()
    except (OSError, ValueError):
        pass  # standard error is closed: there is nobody to tell


# Python's logging: every record is reduced as it is made, so that no logger, filter or
# formatter that a library brings ever holds more.


def _reduce_python_logging() -> None:
    logging.setLogRecordFactory(_reduced_record)
    logging.raiseExceptions = False
    logging.captureWarnings(False)
    for logger in (logging.root, *_loggers()):
        for handler in logger.handlers[:]:
            logger.removeHandler(handler)
    logging.root.addHandler(_GateHandler(logging.WARNING))


def _loggers() -> list[logging.Logger]:
    known = logging.root.manager.loggerDict.values()
    return [logger for logger in known if isinstance(logger, logging.Logger)]


def _reduced_record(
    name: str,
    level: int,
    file: str,
    line: int,
    _message: object,
    _arguments: object,
    exc_info: _ExcInfo,
    function: str | None = None,
    _stack: str | None = None,
    **_: object,
) -> logging.LogRecord:
    kind, place = logging.getLevelName(level).lower(), _place(file, line)
    if exc_info and exc_info[0]:
        kind, place = exc_info[0].__name__, place_of(exc_info[2])
    return logging.LogRecord(name, level, file, line, event_line(kind, place), (), None, function)


class _GateHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        kind, _, place = record.getMessage().rpartition(" at ")
        _emit(f"{record.name}: {kind}", place)


# Twisted's log.


def _reduce_twisted_log() -> None:
    observer = _GateObserver()
    before = list(globalLogPublisher._observers)  # noqa: SLF001 - it has no public list
    for other in before:
        globalLogPublisher.removeObserver(other)
    globalLogBeginner.beginLoggingTo([observer], discardBuffer=True, redirectStandardIO=False)


@implementer(ILogObserver)
class _GateObserver:
    def __call__(self, event: Mapping[str, Any]) -> None:
        if event.get("log_level", LogLevel.info) < LogLevel.warn:
            return
        failure = event.get("log_failure")
        kind = getattr(getattr(failure, "type", None), "__name__", event["log_level"].name)
        place = event.get("log_namespace", "unknown")
        frames = getattr(failure, "frames", None)
        if frames:
            place = _place(frames[-1][1], frames[-1][2])
        _emit(kind, place)


# What Python does with an exception that nobody caught.


def _excepthook(
    kind: type[BaseException], _error: BaseException, traceback: TracebackType | None
) -> None:
    _emit(kind.__name__, place_of(traceback))


def _thread_excepthook(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_type is not SystemExit:
        _emit(arguments.exc_type.__name__, place_of(arguments.exc_traceback))


def _unraisablehook(arguments: "sys.UnraisableHookArgs") -> None:
    _emit(arguments.exc_type.__name__, place_of(arguments.exc_traceback))


def _showwarning(
    message: Warning | str,  # noqa: ARG001 - the signature is Python's
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    _emit(category.__name__, _place(filename, lineno))
