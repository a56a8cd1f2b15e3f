"""Races between threads: each attempt runs in a thread of its own, and one that is no longer wanted is stopped where it waits.

A thread that waits in the kernel is not woken by closing what it waits for, which others may share, but by a byte in a pipe of its own.
"""

from __future__ import annotations

import select
import socket
from _contextvars import copy_context
from _thread import allocate_lock, get_ident
from queue import Empty, SimpleQueue
from time import monotonic

from .._typing import TYPE_CHECKING, Generic, TypeVar
from .addresses import FOREVER, aborted, in_thread, late
from .base import run_now

if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from .base import Contest

    Outcome: TypeAlias = "tuple[int, BaseException | None, T | None]"

__all__ = ["Race", "Racer", "StoppedError"]

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds that a peer has to take what a stopped thread was sending, before the connection is closed: half a frame is of no use."""


class StoppedError(BaseException):
    """This attempt has lost its race. As `asyncio.CancelledError`, nothing that handles errors shall handle it."""


class Racer:
    """A thread that runs one attempt of a race, and what wakes it from its present wait."""

    __slots__ = ("_guard", "_pipe", "_wake", "stopped")

    def __init__(self) -> None:
        self.stopped = False
        self._guard = allocate_lock()  # between the thread that stops and the one that ends
        self._wake: Callable[[], None] | None = None
        self._pipe: tuple[socket.socket, socket.socket] | None = None

    def stop(self) -> None:
        """End the present wait, and every further one, with StoppedError; from any thread."""
        with self._guard:
            self.stopped = True
            if self._wake is not None:
                self._wake()

    def end(self) -> None:
        """The thread has nothing more to do."""
        with self._guard:
            self._wake = None
            pipe, self._pipe = self._pipe, None
        for side in pipe or ():
            side.close()

    def check(self) -> None:
        """Raise StoppedError where this thread is no longer wanted."""
        if self.stopped:
            raise StoppedError

    def begin_wait(self, wake: Callable[[], None]) -> None:
        """Begin a wait that `wake` ends. Raises StoppedError."""
        with self._guard:
            if self.stopped:
                raise StoppedError
            self._wake = wake

    def end_wait(self) -> None:
        """End a wait. Raises StoppedError."""
        with self._guard:
            self._wake = None
            if self.stopped:
                raise StoppedError

    def acquire(self, lock: LockType, timeout: float) -> bool:
        """Wait for a lock that somebody else releases; return whether it happened in time. Raises StoppedError."""
        self.begin_wait(lambda: _release(lock))
        try:
            return lock.acquire(True, timeout)
        finally:
            self.end_wait()

    def await_data(self, sock: socket.socket, timeout: float) -> None:
        """Wait until the socket has something to say. Raises StoppedError, with the socket as it was, and TimeoutError."""
        pipe = self._own_pipe()
        self.begin_wait(lambda: _poke(pipe[1]))
        try:
            if not _ready([sock, pipe[0]], [], timeout):
                raise late(timeout)
        finally:
            self.end_wait()

    def send(self, sock: socket.socket, data: bytes, timeout: float) -> None:
        """Send all of `data`, stopped or not: a shared connection must not end in half a frame, and what is stopped has last words.

        Raises:
            BlockingIOError: the peer has taken nothing for `timeout` seconds.
            ConnectionAbortedError: nor has it for a moment after the stop; the connection is of no use then.
        """
        pipe, left = self._own_pipe(), memoryview(data)
        with self._guard:
            self._wake = lambda: _poke(pipe[1])
        try:
            while left:
                try:
                    left = left[sock.send(left, socket.MSG_DONTWAIT) :]
                except BlockingIOError:
                    if self.stopped and not _ready([], [sock], PATIENCE):
                        sock.shutdown(socket.SHUT_RDWR)
                        raise aborted() from None
                    if not self.stopped and not _ready([pipe[0]], [sock], timeout):
                        raise
        finally:
            with self._guard:
                self._wake = None

    def _own_pipe(self) -> tuple[socket.socket, socket.socket]:
        if self._pipe is None:
            self._pipe = socket.socketpair()
            self._pipe[1].setblocking(False)
        return self._pipe


def _ready(readers: Sequence[socket.socket], writers: Sequence[socket.socket], timeout: float) -> bool:
    """Wait until one of the sockets can be read from, or written to; return whether one can."""
    span = None if timeout >= FOREVER else max(0.0, timeout)
    if not hasattr(select, "poll"):  # Windows
        return any(select.select(readers, writers, [], span))
    poll = select.poll()
    for sock in readers:
        poll.register(sock, select.POLLIN)
    for sock in writers:
        poll.register(sock, select.POLLOUT)
    return bool(poll.poll(None if span is None else span * 1000))


def _poke(pipe: socket.socket) -> None:
    try:
        pipe.send(b"!")
    except BlockingIOError:  # it is full of such bytes
        return


def _release(lock: LockType) -> None:
    try:
        lock.release()
    except RuntimeError:  # somebody else has released it already: whoever waited is awake
        return


class Race(Generic[T]):
    """Attempts that run in a thread each, as a contest asks for them.

    Args:
        racers: who races, by thread.
    """

    __slots__ = ("_begun", "_contest", "_outcomes", "_over", "_racers", "_running")

    def __init__(self, contest: Contest[T], racers: dict[int, Racer]) -> None:
        self._contest = contest
        self._racers = racers
        self._running: dict[int, Racer] = {}
        self._begun = 0
        self._over = False
        self._outcomes: SimpleQueue[Outcome[T] | None] = SimpleQueue()

    def run(self) -> T:
        """Return the result that counts; all others are stopped."""
        contest = self._contest
        try:
            while True:
                due = contest.due(monotonic())
                if due is not None and due <= 0:
                    self._start()
                elif due is None and not self._running:
                    raise contest.verdict()
                elif (outcome := self._next_outcome(due)) is not None:
                    number, error, result = outcome
                    del self._running[number]
                    if error is None:
                        contest.won(number)
                        return result  # type: ignore[return-value]  # there is one where there is no error
                    if not isinstance(error, Exception):
                        raise error
                    if contest.failed(number, error, monotonic()):
                        raise contest.verdict()
        finally:
            self._over = True  # before the look at the queue; who puts something there goes the other way round
            for racer in self._running.values():
                racer.stop()
            self._drain()

    def _next_outcome(self, timeout: float | None) -> Outcome[T] | None:
        """Return how the next attempt has ended, or None after `timeout` seconds."""
        racer = self._racers.get(get_ident())  # a race may be an attempt of another one
        if racer is not None:
            racer.begin_wait(lambda: self._outcomes.put(None))
        try:
            return self._outcomes.get(timeout=timeout)
        except Empty:
            return None
        finally:
            if racer is not None:
                racer.end_wait()

    def _start(self) -> None:
        attempt = self._contest.start(monotonic())
        if attempt is None:
            return
        number, self._begun = self._begun, self._begun + 1
        racer = self._running[number] = Racer()
        context = copy_context()

        def run() -> None:
            error: BaseException | None = None
            result: T | None = None
            self._racers[get_ident()] = racer
            try:
                result = context.run(run_now, attempt())
            except BaseException as problem:
                error = problem
            finally:
                del self._racers[get_ident()]
                racer.end()
            self._outcomes.put((number, error, result))
            if self._over:
                self._drain()

        in_thread(run)

    def _drain(self) -> None:
        """Let go of results that came too late."""
        while True:
            try:
                outcome = self._outcomes.get_nowait()
            except Empty:
                return
            if outcome is not None and outcome[1] is None:
                self._contest.drop(outcome[2])  # type: ignore[arg-type]  # there is one where there is no error
