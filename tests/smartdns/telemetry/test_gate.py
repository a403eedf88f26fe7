"""What leaves a process whose gate is closed, tried in processes of their own."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.processes

CANARY = "canary-7f3a.example.com"

BEGIN = f"""
import asyncio, faulthandler, gc, logging, sys, threading, traceback, warnings
faulthandler.enable()
logging.getLogger("early").addHandler(logging.StreamHandler())
from smartdns.process.event_loop import install_reactor
install_reactor()
from twisted.internet import defer, reactor
from twisted.logger import Logger, formatEvent, globalLogPublisher
from twisted.python import log
from smartdns.telemetry.gate import close_gate, say
globalLogPublisher.addObserver(lambda event: print(formatEvent(event)))
close_gate()
secret = {CANARY!r}
"""

WAYS_OUT = {
    "a library's log line": "logging.getLogger('redis').error('lost %s', secret)",
    "a logger with a printer of its own": "logging.getLogger('early').error(secret)",
    "a printer added later": (
        "logging.getLogger('late').addHandler(logging.StreamHandler())\n"
        "logging.getLogger('late').error(secret)"
    ),
    "a logged exception": (
        "try: raise ValueError(secret)\nexcept ValueError: logging.exception(secret)"
    ),
    "a warning": "warnings.warn(secret, stacklevel=1)",
    "Twisted's log": "Logger().error('{x}', x=secret)\nlog.msg(secret, isError=1)",
    "a Deferred that nobody handles": (
        "d = defer.fail(ValueError(secret)); del d; gc.collect()"
    ),
    "a call of the reactor that raises": (
        "def f(): raise ValueError(secret)\n"
        "reactor.callLater(0, f); reactor.callLater(0.01, reactor.stop); reactor.run()"
    ),
    "a task of asyncio that dies": (
        "async def f(): raise ValueError(secret)\n"
        "loop = asyncio.get_event_loop()\n"
        "t = loop.create_task(f()); loop.run_until_complete(asyncio.sleep(0.01))\n"
        "del t; gc.collect()"
    ),
    "an exception at the top": "raise ValueError(secret)",
    "an exception in a thread": (
        "def f(): raise ValueError(secret)\nt = threading.Thread(target=f); t.start(); t.join()"
    ),
    "an exception in a finaliser": (
        "class C:\n  def __del__(self): raise ValueError(secret)\nc = C(); del c"
    ),
}  # fmt: skip


def run(code: str) -> str:
    """Close the gate in a new process, run `code` there, give all that it wrote."""
    result = subprocess.run(
        [sys.executable, "-c", BEGIN + code], capture_output=True, text=True, check=False
    )
    return result.stdout + result.stderr


@pytest.mark.parametrize("way", WAYS_OUT)
def test_a_way_out_lets_through_kind_and_place_only(way: str) -> None:
    """Each way in which Python and its libraries speak says where, and nothing of what."""
    said = run(WAYS_OUT[way])
    assert CANARY not in said
    assert len(said.splitlines()) in {1, 2}, said
    assert " at " in said


def test_the_same_line_is_said_once() -> None:
    """Whoever can provoke an error cannot fill the operator's disk with it."""
    said = run("for _ in range(50): logging.getLogger('x').error(secret)")
    assert len(said.splitlines()) == 1


def test_a_printer_that_was_there_before_prints_no_more() -> None:
    """It may write to a file, or to somebody else's log."""
    assert len(run("logging.getLogger('early').error(secret)").splitlines()) == 1


def test_a_crash_writes_no_traces() -> None:
    """Python's own fault handler, which whoever starts us may have switched on, is off."""
    assert run("say(str(faulthandler.is_enabled()))") == "False\n"


def test_what_we_say_on_purpose_goes_out() -> None:
    """`say` is the way for words of ours."""
    assert run("say('listening')") == "listening\n"


def test_chatter_below_a_warning_stays_in() -> None:
    """Starts and stops of Twisted's factories, with their ports, are nobody's business."""
    assert not run("log.msg('starting on 53'); logging.getLogger('x').info('hello')")


def test_a_closed_standard_error_is_no_trouble() -> None:
    """A process whose standard error went away goes on."""
    assert run("sys.stderr.close(); logging.error('x'); say('x'); sys.stdout.write('on')") == "on"
