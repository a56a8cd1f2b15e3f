"""Byte streams of asyncio: a protocol per connection, no stream readers, no timeout contexts, only the public interface of event loops.

A warm exchange costs four system calls (send, epoll, recv, epoll), and the look before a connection is used again one more.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from _thread import get_ident
from weakref import WeakKeyDictionary

from .._typing import TYPE_CHECKING
from .addresses import FOREVER, aborted, late, poll_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BufferedStream", "LoopStream", "PlainStream", "wake"]

_HIGH_WATER = 256 * 1024  # bytes received and not yet asked for, above which the peer has to wait
_RECEIVE_SIZE = 65536


class LoopStream(asyncio.BaseProtocol):
    """A connected transport. One task receives and one sends at a time; anybody closes.

    How the bytes come from the transport is left to the two classes below.
    """

    __slots__ = (
        "_chunks",
        "_closed",
        "_deadline",
        "_ended",
        "_error",
        "_look_due",
        "_loop",
        "_lost",
        "_paused",
        "_sender",
        "_size",
        "_thread",
        "_timer",
        "_transport",
        "_waiter",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = get_ident()
        self._transport: asyncio.Transport | None = None
        self._chunks: list[bytes] = []
        self._size = 0
        self._paused = self._ended = self._lost = self._closed = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None  # of the task that receives
        self._sender: asyncio.Future[None] | None = None  # set while the transport's buffer is full
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._look_due = FOREVER  # when the timer looks

    # What the event loop tells ------------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream socket gets a Transport

    def data_received(self, data: bytes) -> None:
        # The bytes go to the list, not into the future: a task that is cancelled before it runs again would lose them.
        self._chunks.append(data)
        self._size += len(data)
        waiter = self._waiter
        if waiter is not None:
            if not waiter.done():
                waiter.set_result(None)
        elif self._size > _HIGH_WATER and self._transport is not None and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        self._ended = True
        if self._waiter is not None:
            wake(self._waiter)
        return True  # the other direction stays open; `close` ends it

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._error = exc
        if exc is not None and not self._closed:
            self._take_last_words()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for waiter in (self._waiter, self._sender):
            if waiter is not None:
                wake(waiter)

    def _take_last_words(self) -> None:
        """A transport whose write fails reads no more; but a server that takes no more of a request has often said why."""
        sock: socket.socket | None = None if self._transport is None else self._transport.get_extra_info("socket")
        if sock is None or sock.fileno() < 0:
            return
        try:
            with socket.socket(fileno=os.dup(sock.fileno())) as same:
                words = same.recv(_RECEIVE_SIZE)
        except OSError:  # none
            return
        if words:
            self._chunks.append(words)

    def pause_writing(self) -> None:
        self._sender = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._sender is not None:
            wake(self._sender)
            self._sender = None

    # What the core asks -------------------------------------------------------------------------------------------------------------

    async def receive(self, timeout: float) -> bytes:
        chunks = self._chunks
        if not chunks:
            if self._ended or self._closed or self._lost or timeout <= 0:
                return self._nothing(timeout)
            self._deadline = deadline = self._loop.time() + timeout
            if deadline < self._look_due:
                self._arm(deadline)
            self._waiter = waiter = self._loop.create_future()
            try:
                await waiter
            except TimeoutError:
                raise late(timeout) from None
            finally:
                self._waiter = None
            if not chunks:
                if self._ended:
                    return b""
                raise self._failure()
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self._size = 0
        if self._paused:
            self._resume()
        return data

    def _nothing(self, timeout: float) -> bytes:
        """Where there is nothing to wait for: return the end, or raise."""
        if self._closed or self._lost:
            raise self._failure()
        if not self._ended:
            raise late(timeout)
        return b""

    def _arm(self, deadline: float) -> None:
        """Have the timer look in time. One that looks earlier would do as well: it goes on to the deadline that holds then."""
        if self._timer is not None:
            self._timer.cancel()
        self._look_due = deadline
        self._timer = self._loop.call_at(deadline, self._look)

    def _look(self) -> None:
        self._timer = None
        self._look_due = FOREVER
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        if self._deadline <= self._loop.time():
            waiter.set_exception(TimeoutError())
        elif self._deadline < FOREVER:
            self._arm(self._deadline)

    def _resume(self) -> None:
        self._paused = False
        if self._transport is not None and not self._lost and not self._closed:
            self._transport.resume_reading()

    def _failure(self) -> OSError:
        if self._closed or self._error is None:
            return aborted()
        if isinstance(self._error, OSError):
            return OSError(self._error.errno, self._error.strerror or str(self._error))
        return OSError(errno.ECONNABORTED, f"the transport failed: {self._error!r}")

    async def send(self, data: bytes, timeout: float) -> None:
        transport = self._transport
        if self._closed or self._lost or transport is None:
            raise self._failure()
        transport.write(data)
        if self._sender is not None:
            await self._drain(transport, timeout)

    async def _drain(self, transport: asyncio.Transport, timeout: float) -> None:
        """Wait until the peer has taken nearly all; each `timeout` seconds it must have taken something."""
        left = transport.get_write_buffer_size()
        while (sender := self._sender) is not None and not self._lost:
            await asyncio.wait((sender,), timeout=timeout if timeout < FOREVER else None)
            before, left = left, transport.get_write_buffer_size()
            if not sender.done() and left >= before:
                raise TimeoutError(errno.ETIMEDOUT, f"nothing taken by the peer within {timeout:g} s")
        if self._closed or self._lost:
            raise self._failure()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            if get_ident() == self._thread and not self._loop.is_closed():
                self._abort()
            else:
                self._loop.call_soon_threadsafe(self._abort)
        except RuntimeError:  # the loop is closed
            self._drop()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        if self._waiter is not None:
            wake(self._waiter)

    def _drop(self) -> None:
        """Close the socket of a transport whose loop has gone. asyncio has no public way to it; other loops have closed it themselves."""
        transport, self._transport = self._transport, None
        lost: Callable[[Exception | None], None] | None = getattr(transport, "_call_connection_lost", None)
        if lost is not None:
            lost(None)

    def forget(self) -> None:
        # The loop came through the fork as well, but shares its epoll descriptor with the parent: it is not to be touched. Another name
        # of the socket can be closed as little; so the descriptor itself is.
        self._closed = True
        transport, self._transport = self._transport, None
        sock: socket.socket | None = None if transport is None else transport.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            socket.close(sock.fileno())

    @property
    def quiet(self) -> bool:
        if self._chunks or self._ended or self._lost or self._closed:
            return False
        # In another thread, or in none of the loop's steps, nobody would hear of the answer. (To ask which loop runs is a system call.)
        return get_ident() == self._thread and self._loop.is_running()

    def __del__(self) -> None:
        # Reached only when the loop has gone without closing us: while it lives, it holds the transport and the transport holds us.
        if not self._closed and not self._lost and self._transport is not None:
            self.close()


class PlainStream(LoopStream, asyncio.Protocol):
    """For any loop: each read makes its own bytes object."""

    __slots__ = ()


class BufferedStream(LoopStream, asyncio.BufferedProtocol):
    """For selector loops, which fill a buffer and tell so without doing anything between: one buffer serves all their connections.

    What a plain protocol costs there is an allocation of 256 KiB a read, which malloc often takes from and gives back to the system.
    """

    __slots__ = ("_buffer", "_poll", "_socket")

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        super().__init__(loop)
        self._socket = sock
        self._poll = poll_of(sock)
        buffer = _buffers.get(loop)
        if buffer is None:
            buffer = _buffers[loop] = memoryview(bytearray(_RECEIVE_SIZE))
        self._buffer = buffer

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(self._buffer[:nbytes]))

    @property
    def quiet(self) -> bool:
        # The kernel is asked as well: between two calls that follow each other at once the loop has not looked.
        return super().quiet and (not self._poll(0) or self._hears_nothing())

    def _hears_nothing(self) -> bool:
        """Take in what has come."""
        try:
            size = self._socket.recv_into(self._buffer)
        except OSError as error:
            return isinstance(error, BlockingIOError)
        self.data_received(bytes(self._buffer[:size])) if size else self.eof_received()
        return False


_buffers: WeakKeyDictionary[asyncio.AbstractEventLoop, memoryview] = WeakKeyDictionary()


def wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
