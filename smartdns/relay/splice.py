"""Octets from one socket to another: copied while they are few, through a pipe while many.

A pipe is held for as long as octets are in it and no longer, so that connections without
traffic hold none. It begins with what the kernel gives (64 KiB) and grows for a stream that
fills it; where none can be had (`pipe-user-pages-soft`), octets are copied.
"""

import enum
import fcntl
import os
import socket

SMALL_PIPE = 65_536
LARGE_PIPE = 1_048_576
COPIED = 65_536
"""Octets copied at a time; a stream that fills this is worth a pipe."""
_TURN = 8 * LARGE_PIPE
"""Octets after which a stream lets the others have their turn."""
_WORTH_A_PIPE = 16_384
_RETRY_TICKS = 80
_FLAGS = os.SPLICE_F_NONBLOCK | os.SPLICE_F_MOVE


class Flow(enum.Enum):
    """How a turn of a direction ended."""

    DRAINED = enum.auto()  # the source has nothing more for now
    GATHERING = enum.auto()  # the same, but it comes so fast that waiting makes more of it
    BLOCKED = enum.auto()  # the sink takes nothing more for now
    UNFINISHED = enum.auto()  # it had its turn
    ENDED = enum.auto()  # the source's last octet has been passed on


# Names of their own, since CPython 3.11 looks a member of an Enum up in Python: 0.1 µs each time.
DRAINED, GATHERING, BLOCKED, UNFINISHED, ENDED = Flow


class Pipe:
    """An empty pipe between two turns."""

    __slots__ = ("read_end", "size", "write_end")

    def __init__(self) -> None:
        """Raise OSError where the kernel gives none, or a tiny one only."""
        self.read_end, self.write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.size = fcntl.fcntl(self.read_end, fcntl.F_GETPIPE_SZ)
        if self.size < SMALL_PIPE:
            self.close()
            raise OSError

    def grow(self) -> None:
        """Raise OSError where the kernel gives no more to this user."""
        self.size = fcntl.fcntl(self.write_end, fcntl.F_SETPIPE_SZ, LARGE_PIPE)

    def close(self) -> None:
        """Give it back to the kernel."""
        os.close(self.read_end)
        os.close(self.write_end)


class Pipes:
    """Empty pipes of one worker, for whichever stream needs one next."""

    def __init__(self, most: int) -> None:
        self.buffer = memoryview(bytearray(COPIED))
        """Shared by all streams, for copying."""
        self.open = 0
        self._most = most
        self._small: list[Pipe] = []
        self._large: list[Pipe] = []
        self._unused = 0
        self._refused_for = 0

    @property
    def can_be_had(self) -> bool:
        """Asking for a pipe is worth it."""
        return bool(self._small or self._large) or not (
            self._refused_for or self.open >= self._most
        )

    def take(self, wanted: int) -> Pipe | None:
        """Give an empty pipe, large if more than a small one is wanted; None: copy."""
        large = wanted > SMALL_PIPE
        kept = self._large if large else self._small
        if kept:
            pipe = kept.pop()
            self._unused = min(self._unused, len(self._small) + len(self._large))
            return pipe
        if self._refused_for or self.open >= self._most:
            return self._any()
        try:
            pipe = self._small.pop() if self._small else self._make()
            if large:
                pipe.grow()
        except OSError:
            self._refused_for = _RETRY_TICKS
            return self._any()
        return pipe

    def give_back(self, pipe: Pipe) -> None:
        """Take an empty pipe back."""
        (self._large if pipe.size > SMALL_PIPE else self._small).append(pipe)

    def drop(self, pipe: Pipe) -> None:
        """Close a pipe that still holds octets which nobody will get."""
        pipe.close()
        self.open -= 1

    def tick(self) -> None:
        """Close what nobody needed of late; called now and then."""
        self._refused_for = max(0, self._refused_for - 1)
        for _ in range(self._unused):
            self.drop((self._large or self._small).pop())
        self._unused = len(self._small) + len(self._large)

    def close(self) -> None:
        """Close all that were given back."""
        for pipe in (*self._small, *self._large):
            self.drop(pipe)
        self._small, self._large, self._unused = [], [], 0

    def _make(self) -> Pipe:
        pipe = Pipe()
        self.open += 1
        return pipe

    def _any(self) -> Pipe | None:
        return self._large.pop() if self._large else self._small.pop() if self._small else None


class Direction:
    """One direction of a relayed connection; its sockets do not block."""

    __slots__ = (
        "_held", "_pending", "_pipe", "_sink", "_wanted", "ending", "flow", "muted", "source",
    )  # fmt: skip

    def __init__(
        self, source: socket.socket, sink: socket.socket, first: bytes | bytearray = b""
    ) -> None:
        """Let `first` go to the sink before anything that the source sends."""
        self.source = source
        self._sink = sink
        self._pending = first
        self._pipe: Pipe | None = None
        self._held = 0
        self._wanted = 0  # size of the pipe; 0 while octets are copied
        self.flow = DRAINED
        """How the last turn ended, hence what the next one waits for."""
        self.muted = False
        """The poller does not tell when the source can be read."""
        self.ending = False
        """The source has sent its last octet, read or not: no edge will follow."""

    def begin(self, pipes: Pipes) -> None:
        """Pass on what came first, and read nothing yet; OSError: the sink was reset."""
        self.flow = DRAINED if self._flush(pipes) else BLOCKED

    def turn(self, pipes: Pipes) -> Flow:
        """Move what can be moved; OSError: one of the sockets was reset."""
        if (self._pending or self._held) and not self._flush(pipes):
            self.flow = BLOCKED
        elif self.flow is not ENDED:
            self.flow = self._splice(pipes) if self._wanted else self._copy(pipes)
        return self.flow

    def drop(self, pipes: Pipes) -> None:
        """Move nothing more, and let go of what is still held."""
        self.flow = ENDED
        self._pending = b""
        if self._pipe is not None:
            pipes.drop(self._pipe)
            self._pipe = None

    def _flush(self, pipes: Pipes) -> bool:
        """Pass on what is held; False where the sink does not take all of it."""
        try:
            while self._pending:
                self._pending = self._pending[self._sink.send(self._pending) :]
        except BlockingIOError:
            return False
        if self._pipe is not None:
            if not self._drain(self._pipe):
                return False
            self._return(pipes)
        return True

    def _copy(self, pipes: Pipes) -> Flow:
        buffer = pipes.buffer
        for _ in range(_TURN // COPIED):
            try:
                count = self.source.recv_into(buffer)
            except BlockingIOError:
                return DRAINED
            if not count:
                return ENDED
            try:
                sent = self._sink.send(buffer[:count])
            except BlockingIOError:
                sent = 0
            if sent < count:
                self._pending = bytes(buffer[sent:count])
                if not self._flush(pipes):
                    return BLOCKED
            if count < COPIED and not self.ending:
                return DRAINED  # so says epoll(7) of a short read
            if count == COPIED and pipes.can_be_had:
                self._wanted = SMALL_PIPE
                return self._splice(pipes)
        return UNFINISHED

    def _splice(self, pipes: Pipes) -> Flow:
        pipe = self._pipe = pipes.take(self._wanted)
        if pipe is None:
            self._wanted = 0
            return self._copy(pipes)
        source, moved = self.source.fileno(), 0
        while moved < _TURN:
            try:
                count = os.splice(source, pipe.write_end, pipe.size, None, None, _FLAGS)
            except BlockingIOError:
                self._return(pipes)
                if moved >= SMALL_PIPE:
                    return GATHERING
                self._wanted = SMALL_PIPE if moved > _WORTH_A_PIPE else 0
                return DRAINED
            if not count:
                self._return(pipes)
                return ENDED
            self._held = count
            if not self._drain(pipe):
                return BLOCKED
            if moved and self._wanted == SMALL_PIPE:  # there was more than one pipe of it
                self._wanted = LARGE_PIPE
                self._return(pipes)
                pipe = self._pipe = pipes.take(LARGE_PIPE) or pipe
            moved += count
        self._return(pipes)
        return UNFINISHED

    def _drain(self, pipe: Pipe) -> bool:
        """Empty the pipe into the sink; False where the sink does not take all of it."""
        sink = self._sink.fileno()
        try:
            while self._held:
                self._held -= os.splice(pipe.read_end, sink, self._held, None, None, _FLAGS)
        except BlockingIOError:
            return False
        return True

    def _return(self, pipes: Pipes) -> None:
        if self._pipe is not None:
            pipes.give_back(self._pipe)
            self._pipe = None
