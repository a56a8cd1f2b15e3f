"""The blocking world: sockets, threads, locks. Every `async def` here returns without suspending, so that `run_now` can drive it.

A warm exchange costs two system calls, and the look before a connection is used again one more: timeouts live in the kernel
(SO_RCVTIMEO, SO_SNDTIMEO) and are set only when they change, where `settimeout` would poll before each of them.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys
import time
from _thread import TIMEOUT_MAX, RLock, allocate_lock, get_ident

from .._typing import TYPE_CHECKING, TypeVar
from .addresses import FOREVER, SlowResolver, aborted, in_thread, late, literal, lookup, poll_of, reach, unix
from .base import Staggered

if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from typing import Any

    from .addresses import Address, Socket
    from .base import Attempt, Contest, Endpoint
    from .racing import Racer

__all__ = ["BlockingBackend", "BlockingGate", "SocketStream"]

T = TypeVar("T")

_RECEIVE_SIZE = 65536
_AT_ONCE = int(getattr(socket, "MSG_DONTWAIT", 0))


class SocketStream:
    """A connected socket. One thread receives and one sends at a time; anybody closes."""

    __slots__ = ("_closed", "_closing", "_poll", "_receive_timeout", "_receiving", "_send_timeout", "_sending", "_socket")

    def __init__(self, sock: Socket | socket.socket) -> None:
        sock.setblocking(True)
        self._socket = sock
        self._poll = poll_of(sock)
        self._closed = False
        self._closing = RLock()  # reentrant, since a signal handler may close in the middle of a close
        self._receiving = self._sending = False
        self._receive_timeout = self._send_timeout = float("inf")  # what the kernel has

    # Who waits in the kernel must not have the descriptor closed under it: the number may by then belong to another file. So whoever
    # enters raises a flag and looks at `_closed`; whoever closes sets `_closed` and looks at the flags. Each writes before it reads, in
    # the one order of the interpreter (Dekker), so at least one sees the other: a closer that sees somebody inside only shuts the
    # connection down, which wakes him, and he closes on his way out. `_closing` keeps shutdown and close apart, nothing else.

    async def receive(self, timeout: float) -> bytes:
        self._receiving = True
        try:
            if self._closed:
                raise aborted()
            if _racers and (racer := _racers.get(get_ident())) is not None:
                racer.await_data(self._socket, timeout)
            if timeout == self._receive_timeout or self._wait_for_receive(timeout):
                data = self._socket.recv(_RECEIVE_SIZE)
            else:
                data = self._socket.recv(_RECEIVE_SIZE, _AT_ONCE)
        except BlockingIOError:
            raise late(timeout) from None
        except OSError:
            if self._closed:
                raise aborted() from None
            raise
        finally:
            self._receiving = False
            if self._closed:
                self._let_go()
        if not data and self._closed:
            raise aborted()
        return data

    async def send(self, data: bytes, timeout: float) -> None:
        self._sending = True
        try:
            if self._closed:
                raise aborted()
            if timeout != self._send_timeout:
                self._send_timeout = _wait_at_most(self._socket, _SEND_OPTION, timeout)
            if _racers and _AT_ONCE and (racer := _racers.get(get_ident())) is not None:
                racer.send(self._socket, data, timeout)
            else:
                self._socket.sendall(data)
        except BlockingIOError:
            raise TimeoutError(errno.ETIMEDOUT, f"nothing taken by the peer within {timeout:g} s") from None
        except OSError:
            if self._closed:
                raise aborted() from None
            raise
        finally:
            self._sending = False
            if self._closed:
                self._let_go()

    def _wait_for_receive(self, timeout: float) -> bool:
        """Set the timeout; return False if there is to be no wait at all."""
        if timeout <= 0 and _AT_ONCE:
            return False
        self._receive_timeout = _wait_at_most(self._socket, _RECEIVE_OPTION, timeout)
        return True

    def close(self) -> None:
        self._closed = True
        self._let_go()

    def _let_go(self) -> None:
        with self._closing:
            if not (self._receiving or self._sending):
                self._socket.close()
                return
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:  # the peer was faster
                return

    def forget(self) -> None:
        # No shutdown: it would end the connection of the parent as well. No lock: its owner may have stayed behind in the fork.
        self._closed = True
        self._socket.close()

    @property
    def quiet(self) -> bool:
        self._receiving = True
        try:
            return not (self._closed or self._poll(0))
        finally:
            self._receiving = False
            if self._closed:
                self._let_go()


# Timeouts in the kernel ------------------------------------------------------------------------------------------------------------

_RECEIVE_OPTION = socket.SO_RCVTIMEO
_SEND_OPTION = socket.SO_SNDTIMEO


def _wait_at_most(sock: socket.socket, option: int, timeout: float) -> float:
    """Bound the waits of one direction of a blocking socket; return the timeout that now holds."""
    if not _kernel_keeps_time:
        sock.settimeout(timeout if timeout < FOREVER else None)  # both directions; a moment too long or short at worst
        return timeout
    sock.setsockopt(socket.SOL_SOCKET, option, _timeval(timeout))
    return timeout


def _timeval(timeout: float) -> bytes:
    if timeout >= FOREVER:
        return struct.pack("ll", 0, 0)
    micros = max(1, int(timeout * 1e6))  # all zero would be "for ever"
    return struct.pack("ll", micros // 1_000_000, micros % 1_000_000)


def _check_kernel() -> bool:
    """Return whether `struct timeval` is what we think it is: by the word of the kernel, since its size varies with libc and word."""
    if sys.platform == "win32":
        return False
    wanted = _timeval(1234.5)
    try:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, _RECEIVE_OPTION, wanted)
            seconds, micros = struct.unpack("ll", sock.getsockopt(socket.SOL_SOCKET, _RECEIVE_OPTION, len(wanted)))
    except (OSError, struct.error):
        return False
    return bool(seconds == 1234 and abs(micros - 500_000) < 20_000)  # rounded to ticks


_kernel_keeps_time = _check_kernel()


# Connecting ------------------------------------------------------------------------------------------------------------------------


def _resolve(host: str, port: int, timeout: float) -> list[Address]:
    """Look the name up in a thread, as no resolver can be told a deadline."""
    answer: list[list[Address] | OSError] = []
    done = _taken_lock()

    def run() -> None:
        try:
            answer.append(lookup(host, port))
        except OSError as error:
            answer.append(error)
        finally:
            done.release()

    in_thread(run)
    if not _wait_for_lock(done, timeout) or not answer:
        raise SlowResolver(host, timeout)
    if isinstance(answer[0], OSError):
        raise answer[0]
    return answer[0]


# Waiting ---------------------------------------------------------------------------------------------------------------------------

_racers: dict[int, Racer] = {}  # by thread; empty but during races, so that others pay one look


def _taken_lock() -> LockType:
    lock = allocate_lock()
    lock.acquire()
    return lock


def _release(lock: LockType) -> None:
    try:
        lock.release()
    except RuntimeError:  # somebody else has released it already: whoever waited is awake
        return


def _wait_for_lock(lock: LockType, timeout: float) -> bool:
    """Wait until somebody releases the lock; return whether it happened in time."""
    timeout = max(0.0, min(timeout, TIMEOUT_MAX))
    racer = _racers.get(get_ident()) if _racers else None
    return lock.acquire(True, timeout) if racer is None else racer.acquire(lock, timeout)


class BlockingGate:
    """A gate between threads: each that waits has a lock of its own, which opening releases."""

    __slots__ = ("_opened", "_waiting")

    def __init__(self) -> None:
        self._opened = False
        self._waiting: list[LockType] = []

    async def wait(self, timeout: float) -> bool:
        lock = _taken_lock()
        self._waiting.append(lock)
        # Looked at after the lock stands in the list, as `open` first sets it and then takes the list. Who leaves does not touch the list
        # again, which may be in the hands of `open`: nobody minds a lock that is released for nothing.
        if not self._opened:
            _wait_for_lock(lock, timeout)
        return self._opened

    def open(self) -> None:
        self._opened = True
        waiting, self._waiting = self._waiting, []
        for lock in waiting:
            _release(lock)


class BlockingBackend:
    """The world of threads that wait."""

    def __init__(self) -> None:
        self.mutex: AbstractContextManager[object] = allocate_lock()

    now = staticmethod(time.monotonic)

    async def sleep(self, seconds: float) -> None:
        if _racers:
            _wait_for_lock(_taken_lock(), seconds)
        elif seconds > 0:
            time.sleep(seconds)

    async def connect(self, endpoint: Endpoint, timeout: float) -> SocketStream:
        racer = _racers.get(get_ident()) if _racers else None
        if racer is not None:
            racer.check()
        deadline = time.monotonic() + timeout
        addresses: Sequence[Address]
        if endpoint.path is not None:
            addresses = unix(endpoint.path)
        else:
            addresses = literal(endpoint.host, endpoint.port) or _resolve(endpoint.host, endpoint.port, timeout)
        sock = reach(endpoint, addresses, deadline)
        if racer is not None and racer.stopped:
            sock.close()
            racer.check()
        return SocketStream(sock)

    def gate(self) -> BlockingGate:
        return BlockingGate()

    async def race(self, attempts: Sequence[Attempt[T]], stagger: float) -> T:
        return await self.contest(Staggered(attempts, stagger))

    async def contest(self, contest: Contest[T]) -> T:
        from .racing import Race  # which few programs need

        return Race(contest, _racers).run()

    async def settle(self, value: Any) -> Any:
        if hasattr(value, "__await__"):
            if hasattr(value, "close"):
                value.close()  # a coroutine nobody will run would warn
            raise TypeError("a blocking client cannot await; use the asyncio client or a plain function")
        return value
