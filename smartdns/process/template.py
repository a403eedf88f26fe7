"""A process that has loaded what workers share, and forks them: their memory pages are shared.

    supervisor -> template    the role, with the worker's end of its control channel
    supervisor -> worker      its settings, over that channel (`worker_channel`)

The template holds nothing that is of one installation: its environment has no settings, it opens
no file for good, no socket but the channel, no reactor and no thread. What is secret reaches a
worker by its own channel, so neither the template nor another worker ever has it.

A worker is forked twice, and the process between ends at once: so it becomes a child of the
supervisor, which notices its end, and which it ends with. The end of a template harms no worker;
the next one that is wanted comes from another template.

The first fork for a role loads that role's modules, in the template: later ones have them.
"""

import gc
import os
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.process import registerReapProcessHandler, unregisterReapProcessHandler

from smartdns.contract.configuration import PREFIX
from smartdns.process.child_process import Child, Program, RunningProgram
from smartdns.process.process_limits import adopt_orphans
from smartdns.process.sockets import FIRST_DESCRIPTOR, NamedSocket, variables_for
from smartdns.process.title import set_title

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall

_LONGEST_ROLE = 64
IDLE_S = 5.0
"""A template that nobody needed for so long ends: it holds 10 MiB that are no worker's."""


class Template:
    """The supervisor's side; the process is started when the first worker is wanted."""

    def __init__(
        self,
        command: Sequence[str],
        reactor: AsyncioSelectorReactor,
    ) -> None:
        """Take a command whose last argument is at least as long as the name of each role."""
        self._command = command
        self._reactor = reactor
        self._child: Child | None = None
        self._channel: socket.socket | None = None
        self._end: IDelayedCall | None = None
        adopt_orphans()

    def fork(self, role: str, control: socket.socket, gone: Callable[[], None]) -> "ForkedProcess":
        """Have a worker forked, which gets `control`; this returns before that is done."""
        forked = ForkedProcess(gone)
        channel = self._open()
        self._end_later()
        try:
            socket.send_fds(channel, [role.encode()], [control.fileno()])
        except OSError:  # it has just died, or hangs
            self.renew()
            self._reactor.callLater(0, forked.said, None)
        return forked

    def renew(self) -> None:
        """Let the next worker come from a process that reads the program again."""
        if self._end is not None and self._end.active():
            self._end.cancel()
        if self._channel is not None:
            self._channel.close()  # which ends the process, once it has forked what it was asked to
        self._channel = self._child = None

    def close(self) -> Deferred[None]:
        """End it for good; fires once it is gone."""
        child = self._child
        self.renew()
        return succeed(None) if child is None else child.when_ended()

    def _end_later(self) -> None:
        if self._end is not None and self._end.active():
            self._end.reset(IDLE_S)
        else:
            self._end = self._reactor.callLater(IDLE_S, self.renew)

    def _open(self) -> socket.socket:
        if self._channel is not None and self._child is not None and not self._child.ended:
            return self._channel
        self.renew()
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.setblocking(False)
        variables = variables_for([NamedSocket("control", theirs)])
        program = Program(
            self._command,
            {**_ordinary_variables(), **variables},
            {FIRST_DESCRIPTOR: theirs.fileno()},
        )
        self._child = Child(
            lambda gone: RunningProgram(program, gone, self._reactor), self._reactor
        )
        theirs.close()
        return self._channel


def _ordinary_variables() -> dict[str, str]:
    """Variables of ours that are no settings: PATH, HOME, LANG and the like."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith((PREFIX, "LISTEN_"))
    }


class ForkedProcess:
    """A process that a template forked for us, as `Child` needs it."""

    def __init__(self, gone: Callable[[], None]) -> None:
        self.pid: int | None = None
        self._gone = gone
        self._is_gone = False
        self._signals: list[int] = []

    def said(self, pid: int | None) -> None:
        """Take its pid, or None when its channel is closed: it may never have begun."""
        if pid is None:
            if self.pid is None:
                self.processEnded(0)
            return
        self.pid = pid
        registerReapProcessHandler(pid, self)
        for number in self._signals:
            self.signal(number)

    def signal(self, number: int) -> None:
        """Send a signal, as soon as it is known to whom."""
        if self.pid is None:
            self._signals.append(number)
        elif not self._is_gone:
            os.kill(self.pid, number)

    def reapProcess(self) -> None:  # noqa: N802 - Twisted calls it when a child has ended
        """Find out whether it was this one."""
        assert self.pid is not None  # noqa: S101
        ended, status = os.waitpid(self.pid, os.WNOHANG)
        if ended:
            unregisterReapProcessHandler(self.pid, self)
            self.processEnded(status)

    def processEnded(self, status: int) -> None:  # noqa: ARG002, N802 - Twisted calls it
        """Pass it on, once."""
        if not self._is_gone:
            self._is_gone = True
            self._gone()


def fork_when_asked(
    channel: socket.socket, load: Callable[[str], object]
) -> tuple[str, socket.socket] | None:
    """Run the template. Returns in each worker, with its role and its control channel.

    Returns None in the template itself once the supervisor wants no more of it. `load` imports
    what a role needs; what it raises is left to the worker, which does the same and can say so.
    """
    channel.setblocking(True)
    loaded = set()
    while True:
        message, descriptors, _, _ = socket.recv_fds(channel, _LONGEST_ROLE, 1)
        if not message:
            return None
        role, control = message.decode(), socket.socket(fileno=descriptors[0])
        if role not in loaded:
            loaded.add(role)
            with suppress(Exception):
                load(role)
            gc.collect()
            gc.freeze()  # no collection in a worker writes to these, so their pages stay shared
        between = os.fork()
        if not between:
            _fork_and_end()
            channel.close()
            set_title(role)
            return role, control
        control.close()
        os.waitpid(between, 0)


def _fork_and_end() -> None:
    """Fork, end, and return in the child once the supervisor is its parent."""
    between = os.getpid()
    if os.fork():
        os._exit(0)
    while os.getppid() == between:
        time.sleep(0.0005)
